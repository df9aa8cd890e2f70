/* See proof.h. */
#include "enrol/proof.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/bytes.h"

#define NAME_MAX_BYTES	255u

static const char *const labels[] = { [ENROL_JOINER] = "penstock enrol 1 join", [ENROL_INVITER] = "penstock enrol 1 welcome" };

int
enrol_proof(const struct enrol_secret *s, enum enrol_role who, const struct enrol_facts *f, uint8_t out[ENROL_PROOF])
{
	uint8_t room[64 + 3 * 32 + 2 * (2 + NAME_MAX_BYTES)];
	struct writer w = wr_init(room, sizeof room);
	unsigned n = ENROL_PROOF;

	wr_bytes(&w, labels[who], strlen(labels[who]) + 1);
	wr_bytes(&w, f->binding, sizeof f->binding);
	wr_bytes(&w, f->cert[ENROL_JOINER], sizeof f->cert[0]);
	wr_bytes(&w, f->cert[ENROL_INVITER], sizeof f->cert[0]);
	for (int i = 0; i < 2; i++) {
		size_t len = strlen(f->name[i]);
		if (len > NAME_MAX_BYTES)
			return ERR_LIMIT;
		wr_le16(&w, (uint16_t)len);
		wr_bytes(&w, f->name[i], len);
	}
	if (w.err != 0)
		return ERR_LIMIT;
	return HMAC(EVP_sha256(), s->b, (int)sizeof s->b, room, wr_len(&w), out, &n) != NULL ? 0 : ERR_NOMEM;
}

int
enrol_proof_check(const struct enrol_secret *s, enum enrol_role who, const struct enrol_facts *f, const uint8_t given[ENROL_PROOF])
{
	uint8_t want[ENROL_PROOF];
	int err = enrol_proof(s, who, f, want);

	if (err == 0 && CRYPTO_memcmp(want, given, sizeof want) != 0)
		err = ERR_DENIED;
	OPENSSL_cleanse(want, sizeof want);
	return err;
}
