/*
 * OPC UA values as ours: every built-in type, arrays, enumerations (the number), structures and whatever else has no type of ours as json
 * (model/value.h), decoded by the data type definitions that the server gives (types.c). Nothing is converted unless the tag declares a type,
 * and then only where the value fits exactly; else the sample is bad (BadTypeMismatch) and the reason says so.
 */
#ifndef DRIVER_OPCUA_UA_VALUE_H
#define DRIVER_OPCUA_UA_VALUE_H

#include <open62541/types.h>

#include "base/arena.h"
#include "base/clock.h"
#include "driver/opcua/ua_type.h"
#include "model/value.h"

struct ua_agent;
struct ua_item;

/*
 * The value of a DataValue for this item; v's bytes are in dv or in scratch (reset by the caller between samples). 0; or an error with *status
 * a Bad code and why (static text, may be NULL): then there is no value. ERR_AGAIN: the types in it are being read: ua_types_hold() it. Limits:
 * VALUE_BYTES_MAX, UA_NESTING_MAX, UA_ELEMENTS_MAX.
 */
int ua_value_of(struct ua_agent *a, const struct ua_item *it, const UA_Variant *v, struct arena *scratch, struct value *out,
    uint32_t *status, const char **why);
/* Any Variant, without an item's wishes; types that are not known stay as bytes. */
int ua_value_plain(struct ua_agent *a, const UA_Variant *v, struct arena *scratch, struct value *out, const char **why);
/* The same into JSON. */
void ua_value_json(struct ua_agent *a, const UA_Variant *v, struct arena *scratch, struct json *j);

/* To another type, only if nothing is lost by it: whole numbers that fit, floats that come back the same, anything to json. bytes in scratch. */
bool ua_value_convert(struct value *v, uint8_t to, struct arena *scratch);

/* What a variable or an argument takes. */
struct ua_target {
	UA_NodeId		 data_type;
	int32_t			 rank;		/* ValueRank: Part 3, 5.6.2 */
	const UA_UInt32		*dims;		/* ArrayDimensions, 0: any length; may be NULL */
	size_t			 ndims;
};
/*
 * The reverse, for writes and arguments: a Variant of that type. Given: UA_Variant_clear. ERR_TYPE, ERR_RANGE with why (static text), ERR_AGAIN while the
 * type is being read.
 */
int ua_value_to(struct ua_agent *a, const struct ua_target *t, const struct value *v, UA_Variant *out, const char **why);

/* 100 ns since 1601 <-> ns since 1970; 0 is none both ways; what does not fit is none. */
struct wall ua_wall(UA_DateTime t);
UA_DateTime ua_datetime(struct wall t);

#endif
