/*
 * Addresses of OData below a service root: keys, filters, and how their bytes are escaped (OData 2.0 URI conventions;
 * OData URL Conventions 4.01; RFC 3986). A service root is configuration and is never touched:
 * "API_BILL_OF_MATERIAL_SRV;v=0002" stays as it is.
 */
#ifndef PROTO_ODATA_URL_H
#define PROTO_ODATA_URL_H

#include "base/buf.h"
#include "proto/odata/edm.h"

/*
 * Append a value as the literal of a version, not yet escaped: 'O''Neil', 12.5M, datetime'2026-11-22T00:00:00',
 * guid'...' (2); 2026-11-22, 12.5, a bare Guid (4). ERR_TYPE: the type has none.
 */
int odata_put_literal(struct buf *out, unsigned version, const struct edm_value *v);
/* Append len bytes, all but the unreserved ones of RFC 3986 as %XX. */
void odata_put_escaped(struct buf *out, const char *s, size_t len);

struct odata_key {
	const char		*name;
	struct edm_value	 value;
};
/* Append "('17')", or "(A='17',B=4)" for several, escaped. 0 or ERR_TYPE. */
int odata_put_key(struct buf *out, unsigned version, const struct odata_key *v, size_t n);

/*
 * A query is built option by option: odata_query(&q, "$top", "5"). Each is put behind '?' or '&', its value escaped. A
 * filter is built of terms that must all hold.
 */
struct odata_query {
	struct buf	*out;		/* borrowed; holds the path so far */
	unsigned	 version;
	bool		 begun;		/* '?' stands there */
	struct buf	 filter;	/* raw, until odata_query_end() */
	int		 err;
};
/* Start behind the path that out holds; finish with odata_query_end() in any case. */
void odata_query_begin(struct odata_query *q, struct buf *out, unsigned version);
/* An option; value is escaped here. A blank becomes %20, never '+'. */
void odata_query(struct odata_query *q, const char *option, const char *value);
/* One more condition: property, "eq" "ne" "gt" "ge" "lt" "le", value. */
void odata_query_where(struct odata_query *q, const char *prop, const char *op, const struct edm_value *v);
/* Writes $filter, frees what the building took. 0, or the first error (ERR_TYPE, of out). */
int odata_query_end(struct odata_query *q);

/*
 * Is this the path of a service that we would call: "/a/b;v=0002", absolute, no blanks, no query, no fragment, no "."
 * or ".." in it, at most ODATA_PATH_MAX bytes? 0, or ERR_SYNTAX with why.
 */
#define ODATA_PATH_MAX	512u
int odata_service_check(const char *path, char *why, size_t size);
/*
 * What of an address that a server gave (a "__next" link, a Location) stands below the service root: a pointer into
 * url, without the slash, or NULL when it leads elsewhere (another host is another host: host is "name" or "name:port",
 * case ignored; a relative one is taken as it is).
 */
const char *odata_below(const char *url, const char *host, const char *service);

#endif
