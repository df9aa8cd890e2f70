/*
 * What a server says about a failure, from whatever it sends: the errors of OData 2 and 4, with SAP's inner details,
 * the same behind API management, plain text, a page of HTML, XML; and the header `sap-message` of a success that has
 * something to add.
 */
#ifndef PROTO_ODATA_ERROR_H
#define PROTO_ODATA_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define ODATA_ERROR_BYTES_MAX	(1u << 20)	/* of a body that is looked at; more is cut */
#define ODATA_DETAILS_MAX	32u
#define ODATA_ERROR_TEXT_MAX	1024u		/* bytes of one text; longer ones are cut at a character */

enum odata_severity { ODATA_ERROR, ODATA_WARNING, ODATA_INFO, ODATA_SUCCESS };

struct odata_detail {
	const char		*code, *text, *target;	/* "" where missing */
	enum odata_severity	 severity;
};

struct odata_error {
	const char		*code, *text, *target;	/* never NULL; "" where missing. Control characters are replaced by blanks */
	const char		*transaction;		/* to be told to whoever looks on the SAP side; "" if none */
	struct odata_detail	*details;		/* without the one that only repeats code and text */
	uint32_t		 ndetails;
	bool			 structured;		/* it was an OData error; else text was made of what there was */
};

/*
 * Read the body of a failed answer. Never fails: what cannot be understood becomes a short text. type: its
 * Content-Type, NULL or "" unknown. All texts are in the arena.
 */
void odata_error_parse(const char *body, size_t len, const char *type, struct arena *a, struct odata_error *out);
/* Read the header `sap-message` (JSON, maybe with details). ERR_SYNTAX: it is not such. */
int odata_message_parse(const char *header, size_t len, struct arena *a, struct odata_error *out);
/*
 * code, text, target and the details that add something, in one line for people: "RU/505: ... (OrderOperation); also:
 * ...". Returns out, cut at size.
 */
char *odata_error_line(const struct odata_error *e, char *out, size_t size);

#endif
