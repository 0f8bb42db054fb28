package verify

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

var (
	oidCRLNumber                = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidAuthorityKeyID           = asn1.ObjectIdentifier{2, 5, 29, 35}
)

// issuingDistributionPoint narrows what a list covers (RFC 5280, Section 5.2.5).
type issuingDistributionPoint struct {
	Point          distributionPointName `asn1:"optional,tag:0"`
	OnlyUsers      bool                  `asn1:"optional,tag:1"`
	OnlyCAs        bool                  `asn1:"optional,tag:2"`
	OnlyReasons    asn1.BitString        `asn1:"optional,tag:3"`
	Indirect       bool                  `asn1:"optional,tag:4"`
	OnlyAttributes bool                  `asn1:"optional,tag:5"`
}

type distributionPointName struct {
	FullName []asn1.RawValue `asn1:"optional,tag:0"`
	Relative asn1.RawValue   `asn1:"optional,tag:1"`
}

// checkScope returns why list does not cover cert: a list with a critical extension that is
// not understood here must not be used (RFC 5280, Section 5.2).
func checkScope(cert *x509.Certificate, list *x509.RevocationList) error {
	for _, extension := range list.Extensions {
		switch {
		case extension.Id.Equal(oidIssuingDistributionPoint):
			if err := checkDistributionPoint(cert, extension.Value); err != nil {
				return err
			}
		case extension.Id.Equal(oidCRLNumber), extension.Id.Equal(oidAuthorityKeyID):
		case extension.Critical:
			return fmt.Errorf("the list has the critical extension %v, which is not known", extension.Id)
		}
	}
	for _, entry := range list.RevokedCertificateEntries {
		for _, extension := range entry.Extensions {
			// The only critical one there is moves the entry to another issuer.
			if extension.Critical {
				return fmt.Errorf("the list has entries with the critical extension %v, which is not known", extension.Id)
			}
		}
	}
	return nil
}

func checkDistributionPoint(cert *x509.Certificate, der []byte) error {
	var point issuingDistributionPoint
	if rest, err := asn1.Unmarshal(der, &point); err != nil || len(rest) != 0 {
		return errors.New("the list has a malformed issuing distribution point")
	}
	switch {
	case point.Indirect:
		return errors.New("the list is indirect")
	case point.OnlyAttributes:
		return errors.New("the list is for attribute certificates only")
	case point.OnlyReasons.BitLength > 0:
		return errors.New("the list is for some reasons only")
	case len(point.Point.Relative.FullBytes) > 0:
		return errors.New("the list is for a distribution point below its issuer's name")
	case point.OnlyUsers && cert.IsCA:
		return errors.New("the list is for end entities only")
	case point.OnlyCAs && !cert.IsCA:
		return errors.New("the list is for authorities only")
	}
	if len(point.Point.FullName) == 0 {
		return nil
	}
	for _, name := range point.Point.FullName {
		if name.Class == asn1.ClassContextSpecific && name.Tag == 6 && slices.Contains(cert.CRLDistributionPoints, string(name.Bytes)) {
			return nil
		}
	}
	return errors.New("the list is of another distribution point than the certificate names")
}
