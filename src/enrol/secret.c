/* See secret.h. The four signs are the first 20 bits of the SHA-256 of a label and the secret. */
#include "enrol/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"

static const char signs[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
#define SECRET_SIGNS	(ENROL_SECRET * 8 / 5)

int
enrol_secret_make(struct enrol_secret *out)
{
	return RAND_priv_bytes(out->b, sizeof out->b) == 1 ? 0 : ERR_IO;
}

void
enrol_secret_wipe(struct enrol_secret *s)
{
	OPENSSL_cleanse(s, sizeof *s);
}

/* Five bits at a time, highest first; bits past the end are zero. */
static uint8_t
five(const uint8_t *b, size_t len, size_t i)
{
	size_t at = i * 5, byte = at / 8;
	uint32_t two = (uint32_t)b[byte] << 8 | (byte + 1 < len ? b[byte + 1] : 0u);

	return two >> (11 - at % 8) & 31;
}

static void
check(const struct enrol_secret *s, uint8_t out[4])
{
	static const char label[] = "penstock invitation";
	uint8_t in[sizeof label - 1 + ENROL_SECRET], hash[EVP_MAX_MD_SIZE] = { 0 };

	memcpy(in, label, sizeof label - 1);
	memcpy(in + sizeof label - 1, s->b, ENROL_SECRET);
	EVP_Digest(in, sizeof in, hash, NULL, EVP_sha256(), NULL);
	for (size_t i = 0; i < 4; i++)
		out[i] = five(hash, 3, i);
	OPENSSL_cleanse(in, sizeof in);
}

void
enrol_secret_text(const struct enrol_secret *s, char out[ENROL_TEXT])
{
	uint8_t last[4];
	size_t n = 0;

	check(s, last);
	for (size_t i = 0; i < ENROL_SIGNS; i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = '-';
		out[n++] = signs[i < SECRET_SIGNS ? five(s->b, ENROL_SECRET, i) : last[i - SECRET_SIGNS]];
	}
	out[n] = '\0';
}

/* 0..31; -1: none; -2: passed over. */
static int
value_of(char c)
{
	c = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	if (c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n')
		return -2;
	c = (char)(c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c);
	const char *at = c != '\0' ? strchr(signs, c) : NULL;
	return at != NULL ? (int)(at - signs) : -1;
}

int
enrol_secret_parse(const char *text, size_t len, struct enrol_secret *out)
{
	uint8_t v[ENROL_SIGNS], last[4];
	size_t n = 0;
	int err = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < len && err == 0; i++) {
		int x = value_of(text[i]);
		if (x == -1)
			err = ERR_SYNTAX;
		else if (x >= 0 && n == ENROL_SIGNS)
			err = ERR_LONG;
		else if (x >= 0)
			v[n++] = (uint8_t)x;
	}
	if (err == 0 && n < ENROL_SIGNS)
		err = ERR_SHORT;
	for (size_t i = 0; i < SECRET_SIGNS && err == 0; i++)
		for (size_t bit = 0; bit < 5; bit++)
			if ((v[i] >> (4 - bit) & 1) != 0)
				out->b[(i * 5 + bit) / 8] |= (uint8_t)(0x80 >> (i * 5 + bit) % 8);
	if (err == 0) {
		check(out, last);
		err = memcmp(last, v + SECRET_SIGNS, sizeof last) == 0 ? 0 : ERR_CORRUPT;
	}
	OPENSSL_cleanse(v, sizeof v);
	if (err != 0)
		enrol_secret_wipe(out);
	return err;
}
