/* See nft.h. nft(8); the order of a chain: what is established, what the plan allows, then log, count and drop. */
#include "cli/nft.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "site/address.h"

#define ADDRESSES_MAX	16u	/* of one name */
#define NEW_RATE	"10/second burst 20 packets"	/* sessions opened: a gateway keeps its sessions, so more is a fault or an attack */

struct addresses { char text[ADDRESSES_MAX][INET6_ADDRSTRLEN]; bool v6[ADDRESSES_MAX]; size_t n; };

static int
resolve(const char *host, struct addresses *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;

	out->n = 0;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return ERR_NOTFOUND;
	for (a = list; a != NULL && out->n < ADDRESSES_MAX; a = a->ai_next) {
		out->v6[out->n] = a->ai_family == AF_INET6;
		if (getnameinfo(a->ai_addr, a->ai_addrlen, out->text[out->n], INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) == 0)
			out->n++;
	}
	freeaddrinfo(list);
	return out->n > 0 ? 0 : ERR_NOTFOUND;
}

/* The interface that faces a zone; NULL: this node has none, so the way is not its own. */
static const struct interface *
facing(const struct gateway_node *n, const char *zone)
{
	for (uint32_t i = 0; i < n->ninterfaces; i++)
		if (strcmp(n->interfaces[i].zone, zone) == 0)
			return &n->interfaces[i];
	return NULL;
}

/* Comments of nft hold no quotes and at most 128 bytes. */
static void
comment(struct buf *out, const struct way *w)
{
	char text[121];

	snprintf(text, sizeof text, "%s%s%s", w->what, *w->flows != '\0' ? ": " : "", w->flows);
	for (char *c = text; *c != '\0'; c++)
		if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20)
			*c = '_';
	buf_printf(out, " comment \"%s\"\n", text);
}

static int
usable(const struct way *w, struct addresses *to, char *why, size_t size)
{
	if (w->missing != NULL) {
		snprintf(why, size, "%s: %s", w->what, w->missing);
		return ERR_NOTFOUND;
	}
	if (resolve(w->host, to) == 0)
		return 0;
	snprintf(why, size, "%s: the name %s cannot be resolved here; write its address, or run this where it can",
	    w->what, w->host);
	return ERR_NOTFOUND;
}

/*
 * What a one-way link forbids, before anything else is looked at: where it is alone on its interface, whatever goes the
 * other way; else what would answer a datagram. inbound: the chain of what comes in.
 */
static void
one_way_drops(const struct nft_opts *o, const struct way *ways, uint32_t n, bool inbound, struct buf *out)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct interface *f = facing(o->node, ways[i].zone);
		bool alone = true;
		if (f == NULL || !ways[i].one_way || ways[i].inbound == inbound)
			continue;
		for (uint32_t k = 0; k < n; k++)
			alone = alone && (facing(o->node, ways[k].zone) != f ||
			    (ways[k].one_way && ways[k].inbound == ways[i].inbound));
		for (size_t k = 0; o->management != NULL && o->management[k] != NULL; k++)
			alone = alone && (strncmp(o->management[k], f->name, strlen(f->name)) != 0 ||
			    o->management[k][strlen(f->name)] != ' ');
		buf_printf(out, "\t\t%s \"%s\" ", inbound ? "iifname" : "oifname", f->name);
		if (!alone && inbound)
			buf_printf(out, "%s saddr %s ", strchr(ways[i].host, ':') != NULL ? "ip6" : "ip", ways[i].host);
		else if (!alone)	/* what would answer: this port, and the kernel that says that nobody is there */
			buf_printf(out, "udp sport %d counter drop\n\t\toifname \"%s\" icmp type destination-unreachable ", ways[i].port, f->name);
		buf_printf(out, "counter drop comment \"one way: nothing %s\"\n", inbound ? "comes in" : "goes out");
	}
}

/* Rules of one direction. */
static int
chain_of_ways(const struct nft_opts *o, const struct way *ways, uint32_t n, bool inbound, struct buf *out, char *why, size_t size)
{
	struct addresses to;

	for (uint32_t i = 0; i < n; i++) {
		const struct interface *f = facing(o->node, ways[i].zone);
		if (f == NULL || ways[i].inbound != inbound)
			continue;
		int err = usable(&ways[i], &to, why, size);
		if (err != 0)
			return err;
		for (size_t k = 0; k < to.n; k++) {
			struct network any;
			bool wildcard = network_parse_host(to.text[k], &any) == 0 &&
			    memcmp(any.address, (uint8_t[16]){ 0 }, 16) == 0;
			buf_printf(out, "\t\t%s \"%s\" ", inbound ? "iifname" : "oifname", f->name);
			if (!wildcard)	/* a server on all addresses is still bound to the interface */
				buf_printf(out, "%s %s %s ", to.v6[k] ? "ip6" : "ip",
				    ways[i].service && inbound ? "saddr" : "daddr", to.text[k]);
			if (ways[i].udp)	/* each question may be a new one: no limit but the counter */
				buf_printf(out, "udp dport %d ct state new counter accept", ways[i].port);
			else if (ways[i].one_way)	/* no session, so all of it is new */
				buf_printf(out, "udp dport %d counter accept", ways[i].port);
			else
				buf_printf(out, "tcp dport %d ct state new limit rate " NEW_RATE " counter accept", ways[i].port);
			comment(out, &ways[i]);
		}
	}
	return out->err;
}

static int
management(const struct nft_opts *o, struct buf *out, char *why, size_t size)
{
	for (size_t i = 0; o->management != NULL && o->management[i] != NULL; i++) {
		char name[32], net[64];
		struct network parsed;
		int port, end = 0;
		if (sscanf(o->management[i], "%31[A-Za-z0-9_.-] %63s %d%n", name, net, &port, &end) != 3 || o->management[i][end] != '\0' || port < 1 ||
		    port > 65535 || network_parse_host(net, &parsed) != 0) {
			snprintf(why, size, "\"%s\" is no way in for upkeep: write interface, network and port, as \"eth2 10.0.5.0/24 22\"", o->management[i]);
			return ERR_SYNTAX;
		}
		buf_printf(out, "\t\tiifname \"%s\" %s saddr %s tcp dport %d ct state new counter accept comment \"management\"\n", name,
		    parsed.v6 ? "ip6" : "ip", net, port);
	}
	return 0;
}

int
nft_rules(const struct nft_opts *o, const struct way *ways, uint32_t n, struct buf *out, char *why, size_t size)
{
	static const char icmp[] =
	    "\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem } accept\n"
	    "\t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-neighbor-solicit, "
	    "nd-neighbor-advert } accept\n";

	buf_printf(out, "#!/usr/sbin/nft -f\n# Node %s of %s: what its plan needs, and nothing else. Made by `penstock firewall`; make it anew after each change\n"
	    "# of the site file. What this machine needs beyond its flows and its services: --management.\n"
	    "table " NFT_TABLE "\ndelete table " NFT_TABLE "\ntable " NFT_TABLE " {\n", o->node->name, o->site_file);
	buf_puts(out, "\tchain management {\n");
	int err = management(o, out, why, size);
	buf_puts(out, "\t}\n\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n");
	one_way_drops(o, ways, n, true, out);
	buf_puts(out, "\t\tct state established,related accept\n\t\tct state invalid counter drop\n\t\tiifname \"lo\" accept\n");
	buf_puts(out, icmp);
	if (err == 0)
		err = chain_of_ways(o, ways, n, true, out, why, size);
	buf_puts(out, "\t\tjump management\n\t\tlimit rate 5/minute log prefix \"penstock drop in: \"\n\t\tcounter comment \"dropped\"\n\t}\n\n"
	    "\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n");
	one_way_drops(o, ways, n, false, out);
	buf_puts(out, "\t\tct state established,related accept\n"
	    "\t\toifname \"lo\" accept\n");
	buf_puts(out, icmp);
	if (err == 0)
		err = chain_of_ways(o, ways, n, false, out, why, size);
	buf_puts(out, "\t\tlimit rate 5/minute log prefix \"penstock drop out: \"\n\t\tcounter comment \"dropped\"\n\t}\n\n"
	    "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tcounter comment \"a gateway is no router\"\n\t}\n}\n");
	return err != 0 ? err : out->err;
}

int
nft_csv(const struct nft_opts *o, const struct way *ways, uint32_t n, struct buf *out, char *why, size_t size)
{
	struct addresses to;

	buf_puts(out, "node,interface,own_address,direction,zone,address,name,protocol,port,encrypted,what,flows\r\n");
	for (uint32_t i = 0; i < n; i++) {
		const struct interface *f = facing(o->node, ways[i].zone);
		int err = f != NULL ? usable(&ways[i], &to, why, size) : 0;
		if (err != 0)
			return err;
		for (size_t k = 0; f != NULL && k < to.n; k++)
			buf_printf(out, "%s,%s,%s,%s,%s,%s,%s,%s,%d,%s,%s,\"%s\"\r\n", o->node->name, f->name,
			    f->address, ways[i].inbound ? "in" : "out",
			    ways[i].zone, to.text[k], ways[i].host, ways[i].one_way || ways[i].udp ? "udp" : "tcp", ways[i].port,
			    ways[i].service ? "" : ways[i].encrypted ? "yes" : "no", ways[i].what, ways[i].flows);
	}
	return out->err;
}
