/* A sample for people and programs: the JSON that read, tail and why print. */
#ifndef FIELD_SHOW_H
#define FIELD_SHOW_H

#include "base/json.h"
#include "model/sample.h"
#include "site/plan.h"

/* The unit as people want to see it: "" for none and for pure numbers (UCUM "1"). */
const char *show_unit(const struct tag *tag);
/*
 * Members into the open object: tag, value (with text for an enumeration), unit, status, why (unless good), times,
 * flags.
 */
void show_sample(struct json *j, const struct tag *tag, const struct sample *s);

#endif
