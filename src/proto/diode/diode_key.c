/* See diode_key.h. HMAC: RFC 2104, truncated as in RFC 4868, 2.1.1. */
#include "proto/diode/diode_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
hex_key(const char *p, size_t len, uint8_t out[DIODE_KEY_BYTES])
{
	if (len != 2 * DIODE_KEY_BYTES)
		return false;
	for (size_t i = 0; i < DIODE_KEY_BYTES; i++) {
		int hi = hex_digit(p[2 * i]), lo = hex_digit(p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static int
add(struct diode_keys *k, uint16_t epoch, const uint8_t key[DIODE_KEY_BYTES])
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0), OSSL_PARAM_construct_end() };
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(k->hmac);

	if (c == NULL || EVP_MAC_init(c, key, DIODE_KEY_BYTES, params) != 1) {
		EVP_MAC_CTX_free(c);
		return ERR_NOMEM;
	}
	k->v[k->n].epoch = epoch;
	k->v[k->n++].mac = c;
	return 0;
}

static void *
find(const struct diode_keys *k, uint16_t epoch)
{
	for (uint32_t i = 0; i < k->n; i++)
		if (k->v[i].epoch == epoch)
			return k->v[i].mac;
	return NULL;
}

static int
parse_line(struct diode_keys *k, const char *p, size_t len, unsigned line, char *why, size_t size)
{
	uint8_t key[DIODE_KEY_BYTES];
	size_t n = 0;
	int64_t epoch;

	while (n < len && p[n] != ' ' && p[n] != '\t')
		n++;
	size_t at = n;
	while (at < len && (p[at] == ' ' || p[at] == '\t'))
		at++;
	if (num_parse_i64(p, n, &epoch) != 0 || epoch < 0 || epoch > UINT16_MAX || !hex_key(p + at, len - at, key)) {
		snprintf(why, size, "line %u of the key file is no epoch (0 to 65535) and 64 hex digits: make one with echo 1 $(openssl rand -hex 32)", line);
		return ERR_SYNTAX;
	}
	int err = 0;
	if (find(k, (uint16_t)epoch) != NULL || k->n == DIODE_KEYS_MAX) {
		snprintf(why, size, "line %u of the key file: %s", line, k->n == DIODE_KEYS_MAX ? "there are more than 8 keys, remove old ones" : "this epoch has a key already");
		err = ERR_LIMIT;
	} else if ((err = add(k, (uint16_t)epoch, key)) != 0)
		snprintf(why, size, "OpenSSL gives no HMAC-SHA-256");
	OPENSSL_cleanse(key, sizeof key);
	return err;
}

int
diode_keys_parse(const char *text, size_t len, struct diode_keys *out, char *why, size_t size)
{
	const char *p = text, *end = text + len;
	int err = 0;

	*out = (struct diode_keys){ .hmac = EVP_MAC_fetch(NULL, "HMAC", NULL) };
	if (out->hmac == NULL) {
		snprintf(why, size, "OpenSSL gives no HMAC");
		return ERR_NOMEM;
	}
	for (unsigned line = 1; p < end && err == 0; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl != NULL ? nl : end;
		size_t n = (size_t)(stop - p);
		while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
			n--;
		if (n > 0 && *p != '#')
			err = parse_line(out, p, n, line, why, size);
		p = stop + (nl != NULL);
	}
	if (err == 0 && out->n == 0) {
		snprintf(why, size, "the key file holds no key: make one with echo 1 $(openssl rand -hex 32)");
		err = ERR_SYNTAX;
	}
	if (err != 0)
		diode_keys_fini(out);
	return err;
}

void
diode_keys_fini(struct diode_keys *k)
{
	for (uint32_t i = 0; i < k->n; i++)
		EVP_MAC_CTX_free(k->v[i].mac);
	EVP_MAC_free(k->hmac);
	*k = (struct diode_keys){ 0 };
}

uint16_t
diode_keys_newest(const struct diode_keys *k)
{
	uint16_t newest = 0;
	for (uint32_t i = 0; i < k->n; i++)
		newest = k->v[i].epoch > newest ? k->v[i].epoch : newest;
	return newest;
}

/* NULL for a key: the one that the context was given is used again. */
static bool
mac(EVP_MAC_CTX *c, const uint8_t *p, size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
	size_t n;
	return EVP_MAC_init(c, NULL, 0, NULL) == 1 && EVP_MAC_update(c, p, len) == 1 && EVP_MAC_final(c, out, &n, EVP_MAX_MD_SIZE) == 1 && n >= DIODE_MAC;
}

int
diode_mac_put(struct diode_keys *k, uint16_t epoch, uint8_t *p, size_t len)
{
	uint8_t out[EVP_MAX_MD_SIZE];
	EVP_MAC_CTX *c = find(k, epoch);

	if (c == NULL || !mac(c, p, len, out))
		return c == NULL ? ERR_NOTFOUND : ERR_NOMEM;
	memcpy(p + len, out, DIODE_MAC);
	return 0;
}

bool
diode_mac_ok(struct diode_keys *k, uint16_t epoch, const uint8_t *p, size_t len)
{
	uint8_t out[EVP_MAX_MD_SIZE];
	EVP_MAC_CTX *c = find(k, epoch);

	return c != NULL && mac(c, p, len, out) && CRYPTO_memcmp(out, p + len, DIODE_MAC) == 0;
}
