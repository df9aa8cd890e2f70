/* See event.h: names, and the identity of an event. */
#include "model/event.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

const char *
event_object_name(enum event_object o)
{
	static const char *const names[EVENT_OBJECT_COUNT] = {
#define X(name, text, help) [EVENT_##name] = text,
		EVENT_OBJECTS(X)
#undef X
	};
	return (unsigned)o < EVENT_OBJECT_COUNT ? names[o] : "?";
}

const char *
event_type_name(enum event_type t)
{
	static const char *const names[EVENT_TYPE_COUNT] = {
#define X(name, text) [EVENT_IS_##name] = text,
		EVENT_TYPES(X)
#undef X
	};
	return (unsigned)t < EVENT_TYPE_COUNT ? names[t] : "?";
}

/*
 * The name space is a UUID of this project's own (random, made once); the name is the four texts, each with its NUL, so
 * that no two of them run together.
 */
char *
event_id(const char *enterprise, const char *site, const char *path, const char *key, char out[EVENT_ID_TEXT])
{
	static const uint8_t space[16] = { 0x5b, 0x0e, 0x2c, 0x9d, 0x61, 0x74, 0x4f, 0x3a, 0x9c, 0x1e, 0xd8, 0x27, 0x40, 0xb5, 0x93, 0x6a };
	const char *const parts[] = { enterprise, site, path, key };
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t h[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	bool ok =
	    c != NULL && EVP_DigestInit_ex(c, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(c, space, sizeof space) == 1;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		ok = ok && EVP_DigestUpdate(c, parts[i], strlen(parts[i]) + 1) == 1;
	if (!ok || EVP_DigestFinal_ex(c, h, &len) != 1 || len < 16)
		fatal("no_digest",
		    "what=\"SHA-1 for the ids of events; RFC 9562 asks for it, and OpenSSL here refuses\"");
	EVP_MD_CTX_free(c);
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x50);
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
	snprintf(out, EVENT_ID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
	    h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
	return out;
}
