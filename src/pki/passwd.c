/* See passwd.h. */
#include "pki/passwd.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"

#define COST_LOG2	14		/* N = 16384, r = 8: 16 MiB */
#define COST_R		8
#define COST_P		1
#define SALT		16u
#define HASH		32u
#define MEMORY		(64u << 20)	/* of the largest cost that is taken from a file */

int
passwd_hash(const char *password, size_t len, struct buf *out)
{
	unsigned char salt[SALT], hash[HASH];

	if (len > PASSWD_LEN_MAX)
		return ERR_LIMIT;
	if (RAND_bytes(salt, sizeof salt) != 1 ||
	    EVP_PBE_scrypt(password, len, salt, sizeof salt, 1u << COST_LOG2, COST_R, COST_P, MEMORY, hash, sizeof hash) != 1)
		return ERR_NOMEM;
	buf_printf(out, "scrypt:%d:%d:%d:", COST_LOG2, COST_R, COST_P);
	base64_put(out, salt, sizeof salt);
	buf_putc(out, ':');
	base64_put(out, hash, sizeof hash);
	OPENSSL_cleanse(hash, sizeof hash);
	return out->err;
}

/* One base64 field, up to ':' or the end; *s moves behind it. */
static int
field(const char **s, uint8_t *out, size_t size, size_t *n)
{
	size_t len = strcspn(*s, ":");
	uint8_t room[BASE64_BYTES(128)];

	if (len > 128 || base64_get(*s, len, room, n) != 0 || *n > size)
		return ERR_SYNTAX;
	memcpy(out, room, *n);
	*s += len + ((*s)[len] == ':');
	return 0;
}

int
passwd_check(const char *hash, const char *password, size_t len)
{
	unsigned log2n, r, p;
	int used = 0;
	uint8_t salt[64], want[HASH], got[HASH];
	size_t nsalt, nwant;

	if (len > PASSWD_LEN_MAX)
		return ERR_DENIED;
	if (sscanf(hash, "scrypt:%2u:%2u:%2u:%n", &log2n, &r, &p, &used) != 3 || used == 0 || log2n < 10 || log2n > 15 || r < 1 || r > 8 ||
	    p < 1 || p > 4)
		return ERR_SYNTAX;
	const char *s = hash + used;
	if (field(&s, salt, sizeof salt, &nsalt) != 0 || field(&s, want, sizeof want, &nwant) != 0 || *s != '\0' || nwant != HASH || nsalt < 8)
		return ERR_SYNTAX;
	if (EVP_PBE_scrypt(password, len, salt, nsalt, (uint64_t)1 << log2n, r, p, MEMORY, got, sizeof got) != 1)
		return ERR_NOMEM;
	int err = CRYPTO_memcmp(got, want, HASH) == 0 ? 0 : ERR_DENIED;
	OPENSSL_cleanse(got, sizeof got);
	return err;
}

/* The line of a user: where it starts and its length without the newline; NULL: none. */
static const char *
line_of(const char *file, const char *name, size_t *len)
{
	size_t k = strlen(name);

	for (const char *l = file; *l != '\0';) {
		*len = strcspn(l, "\n");
		if (*len > k && l[k] == ':' && memcmp(l, name, k) == 0)
			return l;
		l += *len + (l[*len] == '\n');
	}
	return NULL;
}

int
passwd_find(const char *file, const char *name, char *out, size_t size)
{
	size_t len, k = strlen(name);
	const char *l = line_of(file, name, &len);

	if (l == NULL)
		return ERR_NOTFOUND;
	while (len > 0 && (l[len - 1] == '\r' || l[len - 1] == ' '))
		len--;
	if (len - k - 1 >= size)
		return ERR_LIMIT;
	memcpy(out, l + k + 1, len - k - 1);
	out[len - k - 1] = '\0';
	return 0;
}

bool
passwd_name_ok(const char *name)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@";
	size_t len = strlen(name);

	return len > 0 && len <= PASSWD_NAME_MAX && strspn(name, may) == len && strchr("._-@", name[0]) == NULL;
}

void
passwd_put(const char *file, const char *name, const char *hash, struct buf *out)
{
	size_t len;
	const char *l = line_of(file, name, &len), *rest = file + strlen(file);

	if (l != NULL) {
		buf_put(out, file, (size_t)(l - file));
		rest = l + len + (l[len] == '\n');
	} else {
		buf_puts(out, file);
		if (out->len > 0 && out->p[out->len - 1] != '\n')
			buf_putc(out, '\n');
	}
	buf_printf(out, "%s:%s\n", name, hash);
	buf_puts(out, rest);
}
