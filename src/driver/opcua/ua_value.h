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
 * a Bad code and why (static text, may be NULL): then there is no value. Limits: VALUE_BYTES_MAX, nesting UA_NESTING_MAX.
 */
int ua_value_of(struct ua_agent *a, const struct ua_item *it, const UA_Variant *v, struct arena *scratch, struct value *out,
    uint32_t *status, const char **why);
/* The reverse for a write: a Variant of the type that the server's node has (data type and rank known from resolving). Given: UA_Variant_clear. */
int ua_value_to(struct ua_agent *a, const struct ua_item *it, const struct value *v, UA_Variant *out, const char **why);

/* 100 ns since 1601 <-> ns since 1970; 0 is none both ways; what does not fit is none. */
struct wall ua_wall(UA_DateTime t);
UA_DateTime ua_datetime(struct wall t);

#endif
