package main

import (
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// options are what the runner's flags say of one connection. The names are those of the
// flags.
type options struct {
	port   int
	ipv6   bool
	shimID int
	server bool

	byDefault                        credential
	credentials                      []*credential
	trustCert                        string
	expectSelectedCredential         string
	curves                           []iana.Group
	keyShares                        []iana.Group
	noKeyShares                      bool
	curvesFlags                      []uint16     // bit 0: as good as the next
	groupsHint                       []iana.Group // that the server is said to have
	compliance                       *policy.Builder
	cnsaSuites13                     bool
	verifyPrefs                      []iana.SignatureScheme
	handshakeTwice, failCertCallback bool
	clientCAs, expectClientCAs       [][]byte
	exportTrafficSecrets             bool
	exportLength                     int
	exportLabel, exportContext       string
	useExportContext                 bool
	expectMessages                   string
	cipher                           string
	minVersion, maxVersion           int
	noTLS12, noTLS13                 bool
	resumeCount                      int

	renegotiateOnce, renegotiateFreely     bool
	renegotiateIgnore, renegotiateExplicit bool
	expectTotalRenegotiations              int

	enableEarlyData, expectNoOfferEarlyData      bool
	expectAcceptEarlyData, expectRejectEarlyData bool
	expectTicketSupportsEarlyData                bool
	expectEarlyDataReason                        string
	expectTicketAgeSkew, earlyWriteAfterMessage  int

	fallbackSCSV                                           bool
	noLegacyServerConnect                                  bool
	expectSecureRenegotiation, expectNoSecureRenegotiation bool

	noTicket, skipTicket, renewTicket        bool
	useTicketCallback, useTicketAEADCallback bool
	expectSessionMiss, expectNoSession       bool
	expectSessionID, expectNoSessionID       bool
	expectTicketRenewal, reverifyOnResume    bool
	resumptionDelay                          int
	ticketKey                                []byte

	async, suspend, chop bool

	requireClientCertificate bool
	verifyPeer, verifyFail   bool
	customVerify             bool
	useEarlyCallback         bool
	failEarlyCallback        bool
	failDDoSCallback         bool

	hostName         string
	noServerNameAck  bool
	expectServerName string

	advertiseALPN, selectALPN                 string
	expectALPN, expectAdvertisedALPN          string
	declineALPN, rejectALPN, selectEmptyALPN  bool
	maxSendFragment, readSize                 int
	maxCertList                               int
	peekThenRead                              bool
	shimWritesFirst, shimShutsDown            bool
	shimInitialWrite                          string
	repeatShimInitialWrite                    int
	checkCloseNotify, keyUpdate               bool
	readWithUnfinishedWrite, sendAlert        bool
	keyUpdateBeforeRead                       bool
	enableOCSP, enableSCT                     bool
	useOCSPCallback, failOCSPCallback         bool
	setOCSPInCallback, declineOCSPCallback    bool
	expectOCSPResponse                        []byte
	expectSCTs                                []byte
	expectVersion, expectCipher               int
	expectCipherAES, expectCipherNoAES        int
	expectCurve, expectPeerSignatureAlgorithm int
	expectPeerVerifyPrefs                     []iana.SignatureScheme
	expectHRR, expectNoHRR                    bool
	expectExtendedMasterSecret                bool
	expectVerifyResult                        bool
	expectNoPeerCert                          bool
	expectPeerCertFile                        string
	implicitHandshake                         bool
	handshakerSupported                       bool
}
