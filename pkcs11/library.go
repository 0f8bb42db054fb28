package pkcs11

// library is a loaded module: the functions of PKCS #11 that are used here, one to one. Handles
// and numbers are CK_ULONGs. Errors are of type Error.
type library interface {
	// Initialize is C_Initialize with CKF_OS_LOCKING_OK. args becomes pReserved, if not "".
	Initialize(args string) error
	Finalize() error
	GetInfo() (libraryInfo, error)
	// GetSlotList lists the slots with a token in them.
	GetSlotList() ([]uint, error)
	GetSlotInfo(slot uint) (slotInfo, error)
	GetTokenInfo(slot uint) (tokenInfo, error)
	GetMechanismList(slot uint) ([]uint, error)
	// OpenSession opens a read-only session.
	OpenSession(slot uint) (uint, error)
	CloseSession(session uint) error
	// SessionState is the state of C_GetSessionInfo.
	SessionState(session uint) (uint, error)
	Login(session, user uint, pin []byte) error
	// FindObjects is C_FindObjectsInit, C_FindObjects and C_FindObjectsFinal.
	FindObjects(session uint, template []attribute, limit int) ([]uint, error)
	// GetAttributeValue reads one attribute. It is nil without an error where the object has
	// none, or keeps it to itself.
	GetAttributeValue(session, object, attribute uint) ([]byte, error)
	SignInit(session uint, m mechanism, key uint) error
	Sign(session uint, data []byte) ([]byte, error)
	DecryptInit(session uint, m mechanism, key uint) error
	Decrypt(session uint, data []byte) ([]byte, error)
}

// libraryInfo is CK_INFO.
type libraryInfo struct {
	manufacturer, description string
	major, minor              byte
}

// slotInfo is CK_SLOT_INFO.
type slotInfo struct{ description, manufacturer string }

// tokenInfo is CK_TOKEN_INFO. Strings come without their padding.
type tokenInfo struct {
	label, manufacturer, model, serial string
	flags                              uint
}

// attribute is one CK_ATTRIBUTE of a template; value is a []byte, a uint or a bool.
type attribute struct {
	typ   uint
	value any
}

// mechanism is CK_MECHANISM. pss is the parameter of ckmRSAPKCSPSS, nil for all others.
type mechanism struct {
	typ uint
	pss *pssParams
}

// pssParams is CK_RSA_PKCS_PSS_PARAMS; saltLen is in bytes.
type pssParams struct{ hash, mgf, saltLen uint }

// Mechanisms.
const (
	ckmRSAPKCS    = 0x1
	ckmRSAX509    = 0x3
	ckmRSAPKCSPSS = 0xd
	ckmECDSA      = 0x1041
	ckmEDDSA      = 0x1057

	ckmSHA1   = 0x220
	ckmSHA256 = 0x250
	ckmSHA224 = 0x255
	ckmSHA384 = 0x260
	ckmSHA512 = 0x270

	ckgMGF1SHA1   = 1
	ckgMGF1SHA256 = 2
	ckgMGF1SHA384 = 3
	ckgMGF1SHA512 = 4
	ckgMGF1SHA224 = 5
)

// Classes of objects, and types of keys and certificates.
const (
	ckoCertificate = 1
	ckoPublicKey   = 2
	ckoPrivateKey  = 3

	ckkRSA       = 0x0
	ckkEC        = 0x3
	ckkECEdwards = 0x40

	ckcX509 = 0
)

// Attributes.
const (
	ckaClass              = 0x0
	ckaLabel              = 0x3
	ckaValue              = 0x11
	ckaCertificateType    = 0x80
	ckaKeyType            = 0x100
	ckaID                 = 0x102
	ckaDecrypt            = 0x105
	ckaSign               = 0x108
	ckaModulus            = 0x120
	ckaPublicExponent     = 0x122
	ckaPublicKeyInfo      = 0x129
	ckaECParams           = 0x180
	ckaECPoint            = 0x181
	ckaAlwaysAuthenticate = 0x202
	ckaAllowedMechanisms  = 0x40000600
)

// Users, and states of a session in which the user is logged in.
const (
	ckuUser            = 1
	ckuContextSpecific = 2

	cksROUserFunctions = 1
	cksRWUserFunctions = 3
)

// Flags of a token.
const (
	ckfLoginRequired               = 0x4
	ckfProtectedAuthenticationPath = 0x100
	ckfTokenInitialized            = 0x400
	ckfUserPINFinalTry             = 0x20000
	ckfUserPINLocked               = 0x40000
)
