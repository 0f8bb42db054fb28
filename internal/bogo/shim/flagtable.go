package main

import "github.com/s2ngo/s2ngo/iana"

// flags are the flags that are implemented; all others end the shim with status 89.
var flags = map[string]flag{
	"-port":                    integer(func(o *options) *int { return &o.port }),
	"-ipv6":                    boolean(func(o *options) *bool { return &o.ipv6 }),
	"-shim-id":                 integer(func(o *options) *int { return &o.shimID }),
	"-server":                  boolean(func(o *options) *bool { return &o.server }),
	"-is-handshaker-supported": boolean(func(o *options) *bool { return &o.handshakerSupported }),

	"-cert-file":     text(func(o *options) *string { return &o.credential().certFile }),
	"-key-file":      text(func(o *options) *string { return &o.credential().keyFile }),
	"-trust-cert":    text(func(o *options) *string { return &o.trustCert }),
	"-curves":        list(func(o *options) *[]iana.Group { return &o.curves }),
	"-key-shares":    list(func(o *options) *[]iana.Group { return &o.keyShares }),
	"-no-key-shares": boolean(func(o *options) *bool { return &o.noKeyShares }),
	"-curves-flags":  list(func(o *options) *[]uint16 { return &o.curvesFlags }),
	"-signing-prefs": list(func(o *options) *[]iana.SignatureScheme { return &o.credential().signingPrefs }),
	"-verify-prefs":  list(func(o *options) *[]iana.SignatureScheme { return &o.verifyPrefs }),
	"-cipher":        text(func(o *options) *string { return &o.cipher }),
	"-min-version":   integer(func(o *options) *int { return &o.minVersion }),
	"-max-version":   integer(func(o *options) *int { return &o.maxVersion }),
	"-no-tls1":       ignored, // TLS 1.0 and 1.1 are never negotiated
	"-no-tls11":      ignored,
	"-no-tls12":      boolean(func(o *options) *bool { return &o.noTLS12 }),
	"-no-tls13":      boolean(func(o *options) *bool { return &o.noTLS13 }),

	"-server-supported-groups-hint": list(func(o *options) *[]iana.Group { return &o.groupsHint }),

	"-fips-202205":  complies("-fips-202205"),
	"-wpa-202304":   complies("-wpa-202304"),
	"-cnsa-202407":  boolean(func(o *options) *bool { return &o.cnsaSuites13 }),
	"-cnsa1-202603": complies("-cnsa1-202603"),
	"-cnsa2-202603": complies("-cnsa2-202603"),

	"-resume-count":             integer(func(o *options) *int { return &o.resumeCount }),
	"-resumption-delay":         integer(func(o *options) *int { return &o.resumptionDelay }),
	"-no-ticket":                boolean(func(o *options) *bool { return &o.noTicket }),
	"-skip-ticket":              boolean(func(o *options) *bool { return &o.skipTicket }),
	"-renew-ticket":             boolean(func(o *options) *bool { return &o.renewTicket }),
	"-ticket-key":               bytes64(func(o *options) *[]byte { return &o.ticketKey }),
	"-use-ticket-callback":      boolean(func(o *options) *bool { return &o.useTicketCallback }),
	"-use-ticket-aead-callback": boolean(func(o *options) *bool { return &o.useTicketAEADCallback }),
	"-reverify-on-resume":       boolean(func(o *options) *bool { return &o.reverifyOnResume }),
	"-expect-session-miss":      boolean(func(o *options) *bool { return &o.expectSessionMiss }),
	"-expect-no-session":        boolean(func(o *options) *bool { return &o.expectNoSession }),
	"-expect-session-id":        boolean(func(o *options) *bool { return &o.expectSessionID }),
	"-expect-no-session-id":     boolean(func(o *options) *bool { return &o.expectNoSessionID }),
	"-expect-ticket-renewal":    boolean(func(o *options) *bool { return &o.expectTicketRenewal }),

	"-enable-early-data":                 boolean(func(o *options) *bool { return &o.enableEarlyData }),
	"-expect-accept-early-data":          boolean(func(o *options) *bool { return &o.expectAcceptEarlyData }),
	"-expect-reject-early-data":          boolean(func(o *options) *bool { return &o.expectRejectEarlyData }),
	"-expect-no-offer-early-data":        boolean(func(o *options) *bool { return &o.expectNoOfferEarlyData }),
	"-expect-ticket-supports-early-data": boolean(func(o *options) *bool { return &o.expectTicketSupportsEarlyData }),
	"-expect-early-data-reason":          text(func(o *options) *string { return &o.expectEarlyDataReason }),
	"-expect-ticket-age-skew":            integer(func(o *options) *int { return &o.expectTicketAgeSkew }),
	"-early-write-after-message":         integer(func(o *options) *int { return &o.earlyWriteAfterMessage }),

	"-signed-cert-timestamps":         bytes64(func(o *options) *[]byte { return &o.credential().scts }),
	"-fallback-scsv":                  boolean(func(o *options) *bool { return &o.fallbackSCSV }),
	"-export-traffic-secrets":         boolean(func(o *options) *bool { return &o.exportTrafficSecrets }),
	"-no-legacy-server-connect":       boolean(func(o *options) *bool { return &o.noLegacyServerConnect }),
	"-expect-secure-renegotiation":    boolean(func(o *options) *bool { return &o.expectSecureRenegotiation }),
	"-expect-no-secure-renegotiation": boolean(func(o *options) *bool { return &o.expectNoSecureRenegotiation }),
	"-server-preference":              ignored, // it is always the server's

	"-renegotiate-once":                     boolean(func(o *options) *bool { return &o.renegotiateOnce }),
	"-renegotiate-freely":                   boolean(func(o *options) *bool { return &o.renegotiateFreely }),
	"-renegotiate-ignore":                   boolean(func(o *options) *bool { return &o.renegotiateIgnore }),
	"-renegotiate-explicit":                 boolean(func(o *options) *bool { return &o.renegotiateExplicit }),
	"-forbid-renegotiation-after-handshake": ignored, // it is forbidden
	"-expect-total-renegotiations":          integer(func(o *options) *int { return &o.expectTotalRenegotiations }),

	"-new-x509-credential": {false, func(o *options, _ string) error {
		o.credentials = append(o.credentials, new(credential))
		return nil
	}},
	"-must-match-issuer":            boolean(func(o *options) *bool { return &o.credential().mustMatchIssuer }),
	"-expect-selected-credential":   text(func(o *options) *string { return &o.expectSelectedCredential }),
	"-use-old-client-cert-callback": ignored, // there is one kind of hook for it
	"-fail-cert-callback":           boolean(func(o *options) *bool { return &o.failCertCallback }),
	"-handshake-twice":              boolean(func(o *options) *bool { return &o.handshakeTwice }),
	"-no-op-extra-handshake":        boolean(func(o *options) *bool { return &o.handshakeTwice }),

	// How the shim behaves: -suspend and -chop are its own, for -shim-extra-flags.
	"-async":              boolean(func(o *options) *bool { return &o.async }),
	"-suspend":            boolean(func(o *options) *bool { return &o.suspend }),
	"-chop":               boolean(func(o *options) *bool { return &o.chop }),
	"-implicit-handshake": boolean(func(o *options) *bool { return &o.implicitHandshake }),

	"-require-any-client-certificate": boolean(func(o *options) *bool { return &o.requireClientCertificate }),
	"-verify-peer":                    boolean(func(o *options) *bool { return &o.verifyPeer }),
	"-verify-fail":                    boolean(func(o *options) *bool { return &o.verifyFail }),
	"-use-custom-verify-callback":     boolean(func(o *options) *bool { return &o.customVerify }),
	"-use-early-callback":             boolean(func(o *options) *bool { return &o.useEarlyCallback }),
	"-fail-early-callback":            boolean(func(o *options) *bool { return &o.failEarlyCallback }),
	"-install-ddos-callback":          ignored, // OnClientHello is always there
	"-fail-ddos-callback":             boolean(func(o *options) *bool { return &o.failDDoSCallback }),
	"-no-server-name-ack":             boolean(func(o *options) *bool { return &o.noServerNameAck }),
	"-host-name":                      text(func(o *options) *string { return &o.hostName }),

	"-advertise-alpn":    text(func(o *options) *string { return &o.advertiseALPN }),
	"-select-alpn":       text(func(o *options) *string { return &o.selectALPN }),
	"-decline-alpn":      boolean(func(o *options) *bool { return &o.declineALPN }),
	"-reject-alpn":       boolean(func(o *options) *bool { return &o.rejectALPN }),
	"-select-empty-alpn": boolean(func(o *options) *bool { return &o.selectEmptyALPN }),

	"-enable-ocsp-stapling":          boolean(func(o *options) *bool { return &o.enableOCSP }),
	"-enable-signed-cert-timestamps": boolean(func(o *options) *bool { return &o.enableSCT }),
	"-use-ocsp-callback":             boolean(func(o *options) *bool { return &o.useOCSPCallback }),
	"-fail-ocsp-callback":            boolean(func(o *options) *bool { return &o.failOCSPCallback }),
	"-set-ocsp-in-callback":          boolean(func(o *options) *bool { return &o.setOCSPInCallback }),
	"-decline-ocsp-callback":         boolean(func(o *options) *bool { return &o.declineOCSPCallback }),
	"-ocsp-response":                 bytes64(func(o *options) *[]byte { return &o.credential().ocspResponse }),
	"-expect-ocsp-response":          bytes64(func(o *options) *[]byte { return &o.expectOCSPResponse }),
	"-use-client-ca-list":            names(func(o *options) *[][]byte { return &o.clientCAs }),
	"-expect-client-ca-list":         names(func(o *options) *[][]byte { return &o.expectClientCAs }),
	"-expect-signed-cert-timestamps": bytes64(func(o *options) *[]byte { return &o.expectSCTs }),

	"-shim-writes-first":          boolean(func(o *options) *bool { return &o.shimWritesFirst }),
	"-shim-initial-write":         text(func(o *options) *string { return &o.shimInitialWrite }),
	"-repeat-shim-initial-write":  integer(func(o *options) *int { return &o.repeatShimInitialWrite }),
	"-shim-shuts-down":            boolean(func(o *options) *bool { return &o.shimShutsDown }),
	"-check-close-notify":         boolean(func(o *options) *bool { return &o.checkCloseNotify }),
	"-key-update":                 boolean(func(o *options) *bool { return &o.keyUpdate }),
	"-key-update-before-read":     boolean(func(o *options) *bool { return &o.keyUpdateBeforeRead }),
	"-max-send-fragment":          integer(func(o *options) *int { return &o.maxSendFragment }),
	"-read-size":                  integer(func(o *options) *int { return &o.readSize }),
	"-peek-then-read":             boolean(func(o *options) *bool { return &o.peekThenRead }),
	"-max-cert-list":              integer(func(o *options) *int { return &o.maxCertList }),
	"-read-with-unfinished-write": boolean(func(o *options) *bool { return &o.readWithUnfinishedWrite }),

	"-send-alert":             boolean(func(o *options) *bool { return &o.sendAlert }),
	"-export-keying-material": integer(func(o *options) *int { return &o.exportLength }),
	"-export-label":           text(func(o *options) *string { return &o.exportLabel }),
	"-export-context":         text(func(o *options) *string { return &o.exportContext }),
	"-use-export-context":     boolean(func(o *options) *bool { return &o.useExportContext }),

	"-expect-msg-callback":             text(func(o *options) *string { return &o.expectMessages }),
	"-expect-version":                  integer(func(o *options) *int { return &o.expectVersion }),
	"-expect-cipher":                   integer(func(o *options) *int { return &o.expectCipher }),
	"-expect-cipher-aes":               integer(func(o *options) *int { return &o.expectCipherAES }),
	"-expect-cipher-no-aes":            integer(func(o *options) *int { return &o.expectCipherNoAES }),
	"-expect-curve-id":                 integer(func(o *options) *int { return &o.expectCurve }),
	"-expect-peer-signature-algorithm": integer(func(o *options) *int { return &o.expectPeerSignatureAlgorithm }),
	"-expect-peer-verify-pref":         list(func(o *options) *[]iana.SignatureScheme { return &o.expectPeerVerifyPrefs }),
	"-expect-hrr":                      boolean(func(o *options) *bool { return &o.expectHRR }),
	"-expect-no-hrr":                   boolean(func(o *options) *bool { return &o.expectNoHRR }),
	"-expect-extended-master-secret":   boolean(func(o *options) *bool { return &o.expectExtendedMasterSecret }),
	"-expect-verify-result":            boolean(func(o *options) *bool { return &o.expectVerifyResult }),
	"-expect-no-peer-cert":             boolean(func(o *options) *bool { return &o.expectNoPeerCert }),
	"-expect-peer-cert-file":           text(func(o *options) *string { return &o.expectPeerCertFile }),
	"-expect-server-name":              text(func(o *options) *string { return &o.expectServerName }),
	"-expect-alpn":                     text(func(o *options) *string { return &o.expectALPN }),
	"-expect-advertised-alpn":          text(func(o *options) *string { return &o.expectAdvertisedALPN }),
}
