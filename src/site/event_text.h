/*
 * What a declaration of an event says, in words for people: the plan's difference and the architecture document. Texts
 * in the arena.
 */
#ifndef SITE_EVENT_TEXT_H
#define SITE_EVENT_TEXT_H

#include "site/plan.h"

const char *event_text_trigger(const struct event_rule *e, struct arena *a);
/* Names of fields and "its number", with " / " between. */
const char *event_text_key(const struct event_rule *e, struct arena *a);
/* Where its value comes from, its unit, its type and its rules; without its name. */
const char *event_text_field(const struct event_rule_field *f, struct arena *a);

#endif
