/* Rows of a listing, and putting a certificate into a list: for trust.c, import.c and list.c. */
#ifndef PKI_LIST_H
#define PKI_LIST_H

#include "pki/inside.h"

/* A row as pki_each() shows it; .der is left out. */
void item_fill(struct pki_item *it, enum pki_place place, const struct pki_file *f, struct wall now);
/* Write a certificate into trusted/certs or issuers/certs under its own name. With a text on failure. */
int pki_put_list(struct pki *p, enum pki_place place, X509 *x);

#endif
