//go:build cgo

package pkcs11

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// load brings the module at path into the process, where it stays: unloading libraries that
// have threads and exit handlers of their own ends in crashes. Errors say what is wrong with
// the file, or what the dynamic linker said.
func load(path string) (library, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	C.dlerror()
	if C.dlopen(name, C.RTLD_LAZY) == nil {
		return nil, fmt.Errorf("pkcs11: module %s does not load: %s", path, C.GoString(C.dlerror()))
	}
	c := pkcs11.New(path)
	if c == nil {
		return nil, fmt.Errorf("pkcs11: module %s has no C_GetFunctionList", path)
	}
	return &cLibrary{c: c}, nil
}

// cLibrary is a module behind package miekg/pkcs11.
type cLibrary struct {
	c    *pkcs11.Ctx
	args *C.char // pReserved, which NSS may look at later: kept as long as the module
}

func (l *cLibrary) Initialize(args string) error {
	if args == "" {
		return convert(l.c.Initialize())
	}
	if l.args == nil || C.GoString(l.args) != args {
		l.args = C.CString(args)
	}
	return convert(l.c.Initialize(pkcs11.InitializeWithReserved(unsafe.Pointer(l.args))))
}

func (l *cLibrary) Finalize() error { return convert(l.c.Finalize()) }

func (l *cLibrary) GetInfo() (libraryInfo, error) {
	i, err := l.c.GetInfo()
	return libraryInfo{i.ManufacturerID, i.LibraryDescription, i.LibraryVersion.Major, i.LibraryVersion.Minor}, convert(err)
}

func (l *cLibrary) GetSlotList() ([]uint, error) {
	slots, err := l.c.GetSlotList(true)
	return slots, convert(err)
}

func (l *cLibrary) GetSlotInfo(slot uint) (slotInfo, error) {
	i, err := l.c.GetSlotInfo(slot)
	return slotInfo{i.SlotDescription, i.ManufacturerID}, convert(err)
}

func (l *cLibrary) GetTokenInfo(slot uint) (tokenInfo, error) {
	i, err := l.c.GetTokenInfo(slot)
	return tokenInfo{i.Label, i.ManufacturerID, i.Model, i.SerialNumber, i.Flags}, convert(err)
}

func (l *cLibrary) GetMechanismList(slot uint) ([]uint, error) {
	mechanisms, err := l.c.GetMechanismList(slot)
	types := make([]uint, len(mechanisms))
	for i, m := range mechanisms {
		types[i] = m.Mechanism
	}
	return types, convert(err)
}

func (l *cLibrary) OpenSession(slot uint) (uint, error) {
	s, err := l.c.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	return uint(s), convert(err)
}

func (l *cLibrary) CloseSession(session uint) error {
	return convert(l.c.CloseSession(pkcs11.SessionHandle(session)))
}

func (l *cLibrary) SessionState(session uint) (uint, error) {
	i, err := l.c.GetSessionInfo(pkcs11.SessionHandle(session))
	return i.State, convert(err)
}

// Login lends the PIN as a string that shares its bytes, so that the caller can clear them.
// The binding's own copy lives in C memory, which it frees without clearing.
func (l *cLibrary) Login(session, user uint, pin []byte) error {
	lent := unsafe.String(unsafe.SliceData(pin), len(pin))
	return convert(l.c.Login(pkcs11.SessionHandle(session), user, lent))
}

func (l *cLibrary) FindObjects(session uint, template []attribute, limit int) ([]uint, error) {
	s := pkcs11.SessionHandle(session)
	list := make([]*pkcs11.Attribute, len(template))
	for i, a := range template {
		list[i] = pkcs11.NewAttribute(a.typ, a.value)
	}
	if err := l.c.FindObjectsInit(s, list); err != nil {
		return nil, convert(err)
	}
	var found []uint
	for len(found) < limit {
		some, _, err := l.c.FindObjects(s, limit-len(found))
		if err != nil {
			l.c.FindObjectsFinal(s)
			return nil, convert(err)
		}
		if len(some) == 0 {
			break
		}
		for _, o := range some {
			found = append(found, uint(o))
		}
	}
	return found, convert(l.c.FindObjectsFinal(s))
}

func (l *cLibrary) GetAttributeValue(session, object, typ uint) ([]byte, error) {
	list, err := l.c.GetAttributeValue(pkcs11.SessionHandle(session), pkcs11.ObjectHandle(object),
		[]*pkcs11.Attribute{pkcs11.NewAttribute(typ, nil)})
	switch err := convert(err); {
	case err == AttributeTypeInvalid || err == AttributeSensitive: //nolint:errorlint // convert made it
		return nil, nil
	case err != nil:
		return nil, err
	}
	return list[0].Value, nil
}

func (l *cLibrary) SignInit(session uint, m mechanism, key uint) error {
	return convert(l.c.SignInit(pkcs11.SessionHandle(session), lend(m), pkcs11.ObjectHandle(key)))
}

func (l *cLibrary) Sign(session uint, data []byte) ([]byte, error) {
	out, err := l.c.Sign(pkcs11.SessionHandle(session), data)
	return out, convert(err)
}

func (l *cLibrary) DecryptInit(session uint, m mechanism, key uint) error {
	return convert(l.c.DecryptInit(pkcs11.SessionHandle(session), lend(m), pkcs11.ObjectHandle(key)))
}

func (l *cLibrary) Decrypt(session uint, data []byte) ([]byte, error) {
	out, err := l.c.Decrypt(pkcs11.SessionHandle(session), data)
	return out, convert(err)
}

// lend is m as the binding wants it.
func lend(m mechanism) []*pkcs11.Mechanism {
	if m.pss == nil {
		return []*pkcs11.Mechanism{pkcs11.NewMechanism(m.typ, nil)}
	}
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(m.typ, pkcs11.NewPSSParams(m.pss.hash, m.pss.mgf, m.pss.saltLen))}
}

// convert gives the binding's errors our type.
func convert(err error) error {
	var e pkcs11.Error
	if errors.As(err, &e) {
		return Error(e)
	}
	return err
}
