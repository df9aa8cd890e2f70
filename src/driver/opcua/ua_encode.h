/*
 * Values into OPC UA Binary for writes and arguments (OPC 10000-6 1.05, 5.2), the reverse of ua_type.h: numbers that fit exactly, texts of all that
 * has a text form, structures, arrays and matrices from JSON as ua_type.h writes it. Strict: what is missing, unknown or does not fit is refused.
 */
#ifndef DRIVER_OPCUA_UA_ENCODE_H
#define DRIVER_OPCUA_UA_ENCODE_H

#include <jansson.h>

#include "driver/opcua/types.h"

struct ua_encoder {
	struct ua_agent		*a;	/* for namespaces; NULL: only namespace 0 */
	struct buf		*out;
	struct arena		*scratch;
	unsigned		 depth;
	int			 err;	/* first failure; why is static text */
	const char		*why;
	/* The default encoding of a structure; ua_types_encoding() but for tests. */
	const UA_NodeId		*(*encoding)(const struct ua_type *t);
};

void ua_encode_fail(struct ua_encoder *e, int err, const char *why);
void ua_encode_le(struct ua_encoder *e, uint64_t v, unsigned width);
void ua_encode_bytes(struct ua_encoder *e, const void *p, size_t len);	/* with its length */
/* A scalar of a built-in type up to LocalizedText from one of our values. */
void ua_encode_scalar(struct ua_encoder *e, uint8_t builtin, const struct value *v);
/* An enumeration from a number or one of its names ("Running", "Running_3"). */
void ua_encode_enum(struct ua_encoder *e, const struct ua_type *t, const struct value *v);
/* A whole value of builtin or type, of a field or of a Variant's element. */
void ua_encode_json(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, int32_t rank, const json_t *v);
/* A Variant around it: rank -1 scalar, 1 array, above: a matrix from { "Array", "Dimensions" }. */
void ua_encode_variant_json(struct ua_encoder *e, uint8_t builtin, const struct ua_type *type, int32_t rank, const json_t *v);
/* The type that a value has by itself, for what takes any: 0 if none. */
uint8_t ua_builtin_of_value(uint8_t type);

#endif
