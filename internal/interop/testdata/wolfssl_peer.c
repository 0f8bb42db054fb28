/* A client and a server of wolfSSL for one version, one cipher suite and one group:
 *
 *   get PORT CA VERSION SUITE GROUP [CERT KEY]      fetches a page, and prints it
 *   serve PORT CERT KEY VERSION SUITE GROUP [CA]    sends back what each client sends; with CA, clients need certificates
 *
 * VERSION is 2 or 3; SUITE is wolfSSL's name, and GROUP its number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/dh.h>

static WOLFSSL_CTX *ctx;

static void check(const char *what, int good)
{
	if (good)
		return;
	fprintf(stderr, "%s failed\n", what);
	exit(1);
}

static void fail(WOLFSSL *ssl, const char *what, int result)
{
	char text[WOLFSSL_MAX_ERROR_SZ];

	fprintf(stderr, "%s: %s\n", what, wolfSSL_ERR_error_string(wolfSSL_get_error(ssl, result), text));
}

static void prepare(WOLFSSL_METHOD *method, const char *suite)
{
	wolfSSL_Init();
	check("context", (ctx = wolfSSL_CTX_new(method)) != NULL);
	check(suite, wolfSSL_CTX_set_cipher_list(ctx, suite) == WOLFSSL_SUCCESS);
}

static void restrict_groups(int group, int version)
{
	int groups[] = {group, WOLFSSL_ECC_SECP256R1};

	wolfSSL_CTX_UseSupportedCurve(ctx, group);
	if (group != WOLFSSL_ECC_SECP256R1)
		wolfSSL_CTX_UseSupportedCurve(ctx, WOLFSSL_ECC_SECP256R1); /* the certificates' */
	if (version == '3')
		check("groups", wolfSSL_CTX_set_groups(ctx, groups, group == WOLFSSL_ECC_SECP256R1 ? 1 : 2) == WOLFSSL_SUCCESS);
}

static void trust(const char *file)
{
	check(file, wolfSSL_CTX_load_verify_locations(ctx, file, NULL) == WOLFSSL_SUCCESS);
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void prove(const char *cert, const char *key)
{
	check(cert, wolfSSL_CTX_use_certificate_chain_file(ctx, cert) == WOLFSSL_SUCCESS);
	check(key, wolfSSL_CTX_use_PrivateKey_file(ctx, key, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS);
}

static struct sockaddr_in loopback(const char *port)
{
	struct sockaddr_in address = {0};

	address.sin_family = AF_INET;
	address.sin_port = htons(atoi(port));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int get(const char *port)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	WOLFSSL *ssl = wolfSSL_new(ctx);
	char data[4096];
	int n;

	check("connect", connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	wolfSSL_set_fd(ssl, fd);
	wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, "localhost", 9);
	wolfSSL_check_domain_name(ssl, "localhost");
	if ((n = wolfSSL_connect(ssl)) != WOLFSSL_SUCCESS) {
		fail(ssl, "handshake", n);
		return 1;
	}
	fprintf(stderr, "%s %s\n", wolfSSL_get_version(ssl), wolfSSL_get_cipher(ssl));
	wolfSSL_write(ssl, request, sizeof request - 1);
	while ((n = wolfSSL_read(ssl, data, sizeof data)) > 0)
		fwrite(data, 1, n, stdout);
	wolfSSL_shutdown(ssl);
	return 0;
}

static void echo(int fd)
{
	WOLFSSL *ssl = wolfSSL_new(ctx);
	char data[4096];
	int n;

	wolfSSL_set_fd(ssl, fd);
	if ((n = wolfSSL_accept(ssl)) != WOLFSSL_SUCCESS)
		fail(ssl, "handshake", n);
	else {
		while ((n = wolfSSL_read(ssl, data, sizeof data)) > 0)
			wolfSSL_write(ssl, data, n);
		wolfSSL_shutdown(ssl);
	}
	wolfSSL_free(ssl);
}

static void serve(const char *port)
{
	struct sockaddr_in address = loopback(port);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd;

	check("bind", bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 10) == 0);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		echo(fd);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const DhParams *dh;

	if (argc >= 7 && strcmp(argv[1], "get") == 0) {
		prepare(argv[4][0] == '3' ? wolfTLSv1_3_client_method() : wolfTLSv1_2_client_method(), argv[5]);
		restrict_groups(atoi(argv[6]), argv[4][0]);
		trust(argv[3]);
		if (argc >= 9)
			prove(argv[7], argv[8]);
		return get(argv[2]);
	}
	if (argc >= 8 && strcmp(argv[1], "serve") == 0) {
		prepare(argv[5][0] == '3' ? wolfTLSv1_3_server_method() : wolfTLSv1_2_server_method(), argv[6]);
		prove(argv[3], argv[4]);
		dh = wc_Dh_ffdhe2048_Get();
		check("DHE", wolfSSL_CTX_SetTmpDH(ctx, dh->p, dh->p_len, dh->g, dh->g_len) == WOLFSSL_SUCCESS);
		restrict_groups(atoi(argv[7]), argv[5][0]);
		if (argc >= 9)
			trust(argv[8]);
		serve(argv[2]);
	}
	return 2;
}
