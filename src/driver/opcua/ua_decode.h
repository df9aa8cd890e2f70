/* What ua_decode.c and ua_select.c share: the pieces of a decoder on which both walk. See ua_type.h. */
#ifndef DRIVER_OPCUA_UA_DECODE_H
#define DRIVER_OPCUA_UA_DECODE_H

#include "driver/opcua/ua_type.h"

#define UA_DIMENSIONS_MAX 8u

struct ua_extension {
	struct ua_id		 id;	/* of the encoding */
	const struct ua_type	*type;	/* NULL: not known */
	struct reader		 body;
	bool			 there, xml;
};

/* why: static text; the first failure wins. */
void ua_decode_fail(struct ua_decoder *d, int err, const char *why);
/* One level deeper; false: too deep or failed already. Leave with d->depth--. */
bool ua_decode_enter(struct ua_decoder *d);
/* n elements more. False: too many or failed already. */
bool ua_decode_count(struct ua_decoder *d, uint64_t n);
/* The length of an array, counted; 0 for null too. */
uint32_t ua_decode_length(struct ua_decoder *d);
/* An array of dimensions; their product, 0 when it failed. dims: [UA_DIMENSIONS_MAX]. */
uint64_t ua_decode_dimensions(struct ua_decoder *d, uint32_t *dims, uint32_t *ndims);
/* The built-in type in a Variant's first byte; 0: null. */
uint8_t ua_decode_variant_type(struct ua_decoder *d, uint8_t form);
/* The head of an ExtensionObject; the reader stands behind its body. False: failed. */
bool ua_decode_extension(struct ua_decoder *d, struct ua_extension *x);
/* Go into a body, and out again. */
void ua_decode_body(struct ua_decoder *d, struct reader *outer, const struct ua_extension *x);
void ua_decode_body_end(struct ua_decoder *d, struct reader *outer);

#endif
