/* What the site file may say, made from the key tables: for people to read, and as a schema for editors. */
#ifndef SITE_REFERENCE_H
#define SITE_REFERENCE_H

#include "base/buf.h"
#include "site/catalog.h"

/* Every section with every key, those of drivers and sinks too. Plain text for a terminal, or Markdown. */
void reference_print(const struct catalog *c, bool markdown, struct buf *out);
/* A JSON Schema, draft 2020-12, of the site file. */
void schema_print(const struct catalog *c, struct buf *out);

#endif
