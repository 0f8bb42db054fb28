/* A client and a server of mbedTLS 2.28 for one cipher suite and one curve of TLS 1.2:
 *
 *   get PORT CA SUITE CURVE [CERT KEY]      fetches a page, and prints it
 *   serve PORT CERT KEY SUITE CURVE [CA]    sends back what each client sends; with CA, clients need certificates
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

static void check(const char *what, int code)
{
	char text[200];

	if (code >= 0)
		return;
	mbedtls_strerror(code, text, sizeof text);
	fprintf(stderr, "%s: %s\n", what, text);
	exit(1);
}

static mbedtls_ssl_config conf;
static mbedtls_ctr_drbg_context random_state;
static mbedtls_entropy_context entropy;
static mbedtls_x509_crt ca, own;
static mbedtls_pk_context key;
static int suites[2];
static mbedtls_ecp_group_id curves[3];

static void trust(const char *file)
{
	/* One of the authorities has a key that this library does not know. */
	if (mbedtls_x509_crt_parse_file(&ca, file) < 0)
		check(file, -1);
	mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
	mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
}

static void prove(const char *cert, const char *file)
{
	check(cert, mbedtls_x509_crt_parse_file(&own, cert));
	check(file, mbedtls_pk_parse_keyfile(&key, file, NULL));
	check("own certificate", mbedtls_ssl_conf_own_cert(&conf, &own, &key));
}

static void prepare(int endpoint, const char *suite, const char *curve)
{
	const mbedtls_ecp_curve_info *info = mbedtls_ecp_curve_info_from_name(curve);

	mbedtls_ssl_config_init(&conf);
	mbedtls_ctr_drbg_init(&random_state);
	mbedtls_entropy_init(&entropy);
	mbedtls_x509_crt_init(&ca);
	mbedtls_x509_crt_init(&own);
	mbedtls_pk_init(&key);
	check("seed", mbedtls_ctr_drbg_seed(&random_state, mbedtls_entropy_func, &entropy, NULL, 0));
	check("defaults", mbedtls_ssl_config_defaults(&conf, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT));
	mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random_state);
	suites[0] = mbedtls_ssl_get_ciphersuite_id(suite);
	if (suites[0] == 0 || info == NULL) {
		fprintf(stderr, "no suite %s or no curve %s\n", suite, curve);
		exit(2);
	}
	mbedtls_ssl_conf_ciphersuites(&conf, suites);
	curves[0] = info->grp_id;
	curves[1] = MBEDTLS_ECP_DP_SECP256R1; /* the certificates' */
	mbedtls_ssl_conf_curves(&conf, curves);
}

static void get(const char *port)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	mbedtls_net_context net;
	mbedtls_ssl_context ssl;
	unsigned char data[4096];
	int n;

	mbedtls_net_init(&net);
	mbedtls_ssl_init(&ssl);
	check("setup", mbedtls_ssl_setup(&ssl, &conf));
	check("name", mbedtls_ssl_set_hostname(&ssl, "localhost"));
	check("connect", mbedtls_net_connect(&net, "127.0.0.1", port, MBEDTLS_NET_PROTO_TCP));
	mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	check("handshake", mbedtls_ssl_handshake(&ssl));
	fprintf(stderr, "%s %s\n", mbedtls_ssl_get_version(&ssl), mbedtls_ssl_get_ciphersuite(&ssl));
	check("write", mbedtls_ssl_write(&ssl, (const unsigned char *)request, sizeof request - 1));
	while ((n = mbedtls_ssl_read(&ssl, data, sizeof data)) > 0)
		fwrite(data, 1, n, stdout);
	if (n != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		check("read", n);
	mbedtls_ssl_close_notify(&ssl);
}

static void echo(mbedtls_net_context *net)
{
	mbedtls_ssl_context ssl;
	unsigned char data[4096];
	int n;

	mbedtls_ssl_init(&ssl);
	check("setup", mbedtls_ssl_setup(&ssl, &conf));
	mbedtls_ssl_set_bio(&ssl, net, mbedtls_net_send, mbedtls_net_recv, NULL);
	n = mbedtls_ssl_handshake(&ssl);
	while (n >= 0 && (n = mbedtls_ssl_read(&ssl, data, sizeof data)) > 0)
		n = mbedtls_ssl_write(&ssl, data, n);
	fprintf(stderr, "a connection ended with -0x%04x\n", -n);
	mbedtls_ssl_close_notify(&ssl);
	mbedtls_ssl_free(&ssl);
}

static void serve(const char *port)
{
	mbedtls_net_context listener, net;

	mbedtls_net_init(&listener);
	check("bind", mbedtls_net_bind(&listener, "127.0.0.1", port, MBEDTLS_NET_PROTO_TCP));
	for (;;) {
		mbedtls_net_init(&net);
		check("accept", mbedtls_net_accept(&listener, &net, NULL, 0, NULL));
		echo(&net);
		mbedtls_net_free(&net);
	}
}

int main(int argc, char **argv)
{
	if (argc >= 6 && strcmp(argv[1], "get") == 0) {
		prepare(MBEDTLS_SSL_IS_CLIENT, argv[4], argv[5]);
		trust(argv[3]);
		if (argc >= 8)
			prove(argv[6], argv[7]);
		get(argv[2]);
		return 0;
	}
	if (argc >= 7 && strcmp(argv[1], "serve") == 0) {
		prepare(MBEDTLS_SSL_IS_SERVER, argv[5], argv[6]);
		prove(argv[3], argv[4]);
		if (argc >= 8)
			trust(argv[7]);
		serve(argv[2]);
	}
	return 2;
}
