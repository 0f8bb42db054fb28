package pkcs11

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is. What a module answered is an Error.
var (
	// ErrClosed is returned after Close, and for what Close did not wait for.
	ErrClosed = errors.New("pkcs11: the token is closed")
	// ErrBusy is returned when Config.Queue operations wait already.
	ErrBusy = errors.New("pkcs11: too many operations wait for the token")
	// ErrTimeout ends an operation that the token did not finish within Config.Timeout.
	ErrTimeout = errors.New("pkcs11: the token did not answer in time")
	// ErrLost is in the chain of all that fails while the token is away.
	ErrLost = errors.New("pkcs11: the token is lost")
	// ErrNoKey is returned when the token has no private key that was asked for. Tokens also
	// hide their private keys when the login is gone.
	ErrNoKey = errors.New("pkcs11: the token has no such private key")
	// ErrBadSignature is returned instead of a signature that does not verify with the key's
	// public key. Such a signature by an RSA key can give the private key away.
	ErrBadSignature = errors.New("pkcs11: the token's signature does not verify with the public key")
	// ErrPINRefused is in the chain of what fails after the token refused the PIN. It is never
	// tried again: after a few wrong ones, tokens lock themselves for good.
	ErrPINRefused = errors.New("pkcs11: the token refused the PIN")
	// ErrInUse is returned by Close when a call has not come back from the module: the module
	// stays initialized.
	ErrInUse = errors.New("pkcs11: a call is still inside of the module")

	// errStale is what a call gets whose session is not the module's any more.
	errStale = errors.New("pkcs11: the session is gone")
)

// Error is a return value of a module, CK_RV.
type Error uint

// Return values by which applications may want to tell errors apart.
const (
	HostMemory             Error = 0x2
	GeneralError           Error = 0x5
	FunctionFailed         Error = 0x6
	ArgumentsBad           Error = 0x7
	CantLock               Error = 0xa
	AttributeSensitive     Error = 0x11
	AttributeTypeInvalid   Error = 0x12
	DataLenRange           Error = 0x21
	DeviceError            Error = 0x30
	DeviceMemory           Error = 0x31
	DeviceRemoved          Error = 0x32
	KeyHandleInvalid       Error = 0x60
	KeyTypeInconsistent    Error = 0x63
	KeyNotPermitted        Error = 0x68
	MechanismInvalid       Error = 0x70
	MechanismParamInvalid  Error = 0x71
	ObjectHandleInvalid    Error = 0x82
	OperationActive        Error = 0x90
	OperationNotInited     Error = 0x91
	PINIncorrect           Error = 0xa0
	PINInvalid             Error = 0xa1
	PINLenRange            Error = 0xa2
	PINExpired             Error = 0xa3
	PINLocked              Error = 0xa4
	SessionClosed          Error = 0xb0
	SessionCount           Error = 0xb1
	SessionHandleInvalid   Error = 0xb3
	TokenNotPresent        Error = 0xe0
	TokenNotRecognized     Error = 0xe1
	UserAlreadyLoggedIn    Error = 0x100
	UserNotLoggedIn        Error = 0x101
	UserPINNotInitialized  Error = 0x102
	CryptokiNotInitialized Error = 0x190
	CryptokiInitialized    Error = 0x191
)

var errorNames = map[Error]string{
	HostMemory: "CKR_HOST_MEMORY", 0x3: "CKR_SLOT_ID_INVALID", GeneralError: "CKR_GENERAL_ERROR",
	FunctionFailed: "CKR_FUNCTION_FAILED", ArgumentsBad: "CKR_ARGUMENTS_BAD", CantLock: "CKR_CANT_LOCK",
	AttributeSensitive: "CKR_ATTRIBUTE_SENSITIVE", AttributeTypeInvalid: "CKR_ATTRIBUTE_TYPE_INVALID",
	0x20: "CKR_DATA_INVALID", DataLenRange: "CKR_DATA_LEN_RANGE", DeviceError: "CKR_DEVICE_ERROR",
	DeviceMemory: "CKR_DEVICE_MEMORY", DeviceRemoved: "CKR_DEVICE_REMOVED",
	0x40: "CKR_ENCRYPTED_DATA_INVALID", 0x41: "CKR_ENCRYPTED_DATA_LEN_RANGE",
	0x50: "CKR_FUNCTION_CANCELED", 0x54: "CKR_FUNCTION_NOT_SUPPORTED",
	KeyHandleInvalid: "CKR_KEY_HANDLE_INVALID", KeyTypeInconsistent: "CKR_KEY_TYPE_INCONSISTENT",
	0x62: "CKR_KEY_SIZE_RANGE", KeyNotPermitted: "CKR_KEY_FUNCTION_NOT_PERMITTED",
	MechanismInvalid: "CKR_MECHANISM_INVALID", MechanismParamInvalid: "CKR_MECHANISM_PARAM_INVALID",
	ObjectHandleInvalid: "CKR_OBJECT_HANDLE_INVALID", OperationActive: "CKR_OPERATION_ACTIVE",
	OperationNotInited: "CKR_OPERATION_NOT_INITIALIZED", PINIncorrect: "CKR_PIN_INCORRECT",
	PINInvalid: "CKR_PIN_INVALID", PINLenRange: "CKR_PIN_LEN_RANGE", PINExpired: "CKR_PIN_EXPIRED",
	PINLocked: "CKR_PIN_LOCKED", SessionClosed: "CKR_SESSION_CLOSED", SessionCount: "CKR_SESSION_COUNT",
	SessionHandleInvalid: "CKR_SESSION_HANDLE_INVALID", TokenNotPresent: "CKR_TOKEN_NOT_PRESENT",
	TokenNotRecognized: "CKR_TOKEN_NOT_RECOGNIZED", UserAlreadyLoggedIn: "CKR_USER_ALREADY_LOGGED_IN",
	UserNotLoggedIn: "CKR_USER_NOT_LOGGED_IN", UserPINNotInitialized: "CKR_USER_PIN_NOT_INITIALIZED",
	0x104: "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", 0x150: "CKR_BUFFER_TOO_SMALL",
	CryptokiNotInitialized: "CKR_CRYPTOKI_NOT_INITIALIZED", CryptokiInitialized: "CKR_CRYPTOKI_ALREADY_INITIALIZED",
}

// Error returns the standard's name for e, and its number.
func (e Error) Error() string {
	if name := errorNames[e]; name != "" {
		return fmt.Sprintf("%s (0x%x)", name, uint(e))
	}
	return fmt.Sprintf("CKR 0x%x", uint(e))
}

// refusesPIN reports whether e is about the PIN, so that trying it again does harm.
func (e Error) refusesPIN() bool {
	switch e {
	case PINIncorrect, PINInvalid, PINLenRange, PINExpired, PINLocked, UserPINNotInitialized:
		return true
	}
	return false
}

// passing reports whether err may be gone after the session, the login or the module was set up
// again. Modules call a lost session or login by many names: NSS by HostMemory, p11-kit by
// DeviceError, SoftHSM by ObjectHandleInvalid, or by no error but a key that is not found.
func passing(err error) bool {
	if errors.Is(err, errStale) || errors.Is(err, ErrNoKey) || errors.Is(err, ErrBadSignature) {
		return true
	}
	var e Error
	if !errors.As(err, &e) {
		return false
	}
	switch e {
	case HostMemory, DeviceError, DeviceRemoved, TokenNotPresent, TokenNotRecognized,
		SessionHandleInvalid, SessionClosed, ObjectHandleInvalid, KeyHandleInvalid,
		UserNotLoggedIn, CryptokiNotInitialized, OperationActive, OperationNotInited:
		return true
	}
	return false
}

// called names the function of the module that answered with err.
func called(function string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("pkcs11: %s answered %w", function, err)
}
