/*
 * Firewall rules for one node: what its plan needs and nothing else, as nftables and as a neutral table for firewalls
 * of others. Both families; deny, log and count last.
 */
#ifndef CLI_NFT_H
#define CLI_NFT_H

#include "base/buf.h"
#include "site/arch.h"
#include "site/ways.h"

#define NFT_TABLE	"inet penstock"

struct nft_opts {
	const struct gateway_node *node;
	const char	*site_file;
	const char *const *management;	/* "eth2 10.0.5.0/24 22": who may come in for upkeep; NULL-ended */
};

/*
 * The rules of the ways that this node's interfaces face, into out. Host names are resolved here, once (a name that
 * changes its address later changes no rule). 0; ERR_NOTFOUND with why: a name that cannot be resolved, or a way
 * without a port; ERR_SYNTAX: a bad line of management.
 */
int nft_rules(const struct nft_opts *o, const struct way *ways, uint32_t n, struct buf *out, char *why, size_t size);
/* The same rows as CSV with a head line (RFC 4180). */
int nft_csv(const struct nft_opts *o, const struct way *ways, uint32_t n, struct buf *out, char *why, size_t size);

#endif
