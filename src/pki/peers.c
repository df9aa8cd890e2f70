/* See peers.h. */
#include "pki/peers.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES	1024u

char *
hash_text(const uint8_t sha256[PKI_SHA256], char out[PKI_SHA256_TEXT])
{
	for (size_t i = 0; i < PKI_SHA256; i++)
		snprintf(out + 2 * i, 3, "%02X", sha256[i]);
	return out;
}

void
peer_path(const struct pki *p, const char *peer, char out[PKI_PATH])
{
	uint8_t hash[PKI_SHA256] = { 0 };
	char hex[PKI_SHA256_TEXT], rel[64];

	pki_sha256((const uint8_t *)peer, strlen(peer), hash);
	snprintf(rel, sizeof rel, "peers/%.16s.txt", hash_text(hash, hex));
	pki_path(p, out, rel);
}

/* "-" or 64 digits behind a word; returns what follows the line, NULL when it is not so. */
static const char *
take_hash(const char *at, const char *word, char out[PKI_SHA256_TEXT])
{
	size_t n = strlen(word);

	if (at == NULL || strncmp(at, word, n) != 0)
		return NULL;
	at += n;
	size_t len = strspn(at, "0123456789ABCDEF");
	if (len == PKI_SHA256_TEXT - 1 && at[len] == '\n') {
		memcpy(out, at, len);
		out[len] = '\0';
		return at + len + 1;
	}
	return strncmp(at, "-\n", 2) == 0 ? at + 2 : NULL;
}

bool
peer_parse(const char *text, struct peer_file *out)
{
	static const char head[] = "penstock peer 1\nname ";
	const char *at = strncmp(text, head, sizeof head - 1) == 0 ? strchr(text + sizeof head - 1, '\n') : NULL;

	*out = (struct peer_file){ 0 };
	at = take_hash(at != NULL ? at + 1 : NULL, "knows ", out->knows);
	at = take_hash(at, "next ", out->next);
	at = take_hash(at, "before ", out->before);
	if (at != NULL && *at == '\0')
		return true;
	*out = (struct peer_file){ 0 };
	return false;
}

void
peer_load(const struct pki *p, const char *peer, struct peer_file *out)
{
	char path[PKI_PATH];
	uint8_t *bytes;
	size_t len;

	*out = (struct peer_file){ 0 };
	peer_path(p, peer, path);
	if (pki_read(p, path, FILE_MAX_BYTES, &bytes, &len, NULL) != 0)
		return;
	peer_parse((const char *)bytes, out);
	pki_wipe(bytes, len);
}

int
peer_store(struct pki *p, const char *peer, const struct peer_file *f)
{
	char path[PKI_PATH], text[FILE_MAX_BYTES], name[300];

	snprintf(name, sizeof name, "%s", peer);
	cert_clean(name);
	int n = snprintf(text, sizeof text, "penstock peer 1\nname %s\nknows %s\nnext %s\nbefore %s\n", name, f->knows[0] != '\0' ? f->knows : "-",
	    f->next[0] != '\0' ? f->next : "-", f->before[0] != '\0' ? f->before : "-");
	pki_path(p, path, "peers");
	int err = p->disk->mkdir(p->disk->ctx, path);
	peer_path(p, peer, path);
	if (err == 0)
		err = pki_write(p, path, text, (size_t)n, false);
	return err == 0 ? 0 : pki_fail(p, err, "%s cannot be written: %s", path, err_text(err));
}
