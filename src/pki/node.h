/*
 * Certificates of nodes, which know each other by a name (a DNS name in the certificate): what a link shows, and whom it believes. The stores are
 * those of pki.h: a node that listens for others has its certificate on side ot, one that connects to others on side it.
 */
#ifndef PKI_NODE_H
#define PKI_NODE_H

#include "pki/pki.h"

#define PKI_SHA256	32u

/*
 * Our certificate as a node: loaded, or made with `name` and the machine's name in it if there is none. site: "" or NULL when none is known yet.
 * As pki_own_ensure().
 */
int pki_node_own(struct pki *p, const char *name, const char *site, struct wall now, struct pki_own *out);
/* Length of the first certificate of a chain in DER, 0 when it is none. */
size_t pki_leaf(const uint8_t *chain, size_t len);
/* SHA-256 of DER bytes. 0 or ERR_NOMEM. */
int pki_sha256(const uint8_t *der, size_t len, uint8_t out[PKI_SHA256]);
/* Has the certificate this DNS name (or address)? */
bool pki_is_named(const uint8_t *der, size_t len, const char *name);
/* Believe a certificate from now on. 0, or what pki_import() says; ERR_EXISTS when it is our own. */
int pki_pin(struct pki *p, const uint8_t *der, size_t len, struct wall now);
/* Trusted ones of that name but this one: each() as in pki_each(). */
int pki_each_namesake(struct pki *p, const char *name, const uint8_t *der, size_t len, struct wall now,
    int (*each)(void *arg, const struct pki_item *item), void *arg);
/* A line in changes.log and in the log that changes nothing: who, what, about which certificate ("" none). what and detail are plain words. */
void pki_remark(struct pki *p, const char *what, const uint8_t *der, size_t len, const char *detail, struct wall now);

/* Set what pki_why() says; returns err. */
int pki_say(struct pki *p, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Text of a stranger, in place: what could deceive a terminal or end a quotation is replaced. */
void pki_clean(char *text);

#endif
