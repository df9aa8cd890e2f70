/* The file about a peer, see succeed.h. For succeed.c and offer.c. */
#ifndef PKI_PEERS_H
#define PKI_PEERS_H

#include "pki/inside.h"
#include "pki/succeed.h"

struct peer_file {
	char	knows[PKI_SHA256_TEXT], next[PKI_SHA256_TEXT], before[PKI_SHA256_TEXT];	/* "" none */
};

void peer_path(const struct pki *p, const char *peer, char out[PKI_PATH]);
/* All "" when there is none, or a damaged one. */
void peer_load(const struct pki *p, const char *peer, struct peer_file *out);
/* For good. 0 or an error with a text. */
int peer_store(struct pki *p, const char *peer, const struct peer_file *f);
/* Text to struct; false when it is damaged. */
bool peer_parse(const char *text, struct peer_file *out);
char *hash_text(const uint8_t sha256[PKI_SHA256], char out[PKI_SHA256_TEXT]);

#endif
