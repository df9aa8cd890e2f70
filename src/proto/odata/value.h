/*
 * Values of OData as JSON, both versions (OData 2.0 JSON format 4; OData JSON Format 4.01, 7.1), and their exact
 * arithmetic: decimals stay decimals, days stay days.
 */
#ifndef PROTO_ODATA_VALUE_H
#define PROTO_ODATA_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "proto/odata/edm.h"

struct json_t;			/* of jansson */

#define ODATA_DIGITS_MAX	64u	/* of a decimal, sign and point included */
#define ODATA_WHY_MAX		256u

/*
 * Append a value as JSON. version: 2 or 4. ieee754: of version 4, whether numbers of types Int64 and Decimal travel as
 * texts (IEEE754Compatible=true). Not a number and infinities become what the version says (version 2: texts; 4: "NaN",
 * "INF"). ERR_TYPE: this type has no such form in this version (Date in version 2); nothing is written.
 */
int edm_put_json(struct buf *out, unsigned version, bool ieee754, const struct edm_value *v);
/*
 * Read a value of type t from JSON as either version writes it, generously: decimals and whole numbers as text or
 * number, Double as number or text, the three forms of a date of version 2 and the ISO form of version 4 for any type
 * of time. Texts are copied into the arena. 0, ERR_TYPE or ERR_RANGE with what is wrong in why (ODATA_WHY_MAX bytes;
 * may be NULL).
 */
int edm_from_json(const struct json_t *j, enum edm_type t, struct arena *a, struct edm_value *out, char *why);
/* The same from plain text: "12.5", "true", "2026-11-22", "PT06H30M00S", "06:30:00", "/Date(1763769600000)/". */
int edm_from_text(const char *s, size_t len, enum edm_type t, struct arena *a, struct edm_value *out, char *why);
/*
 * Text for people and for keys, without quotes: "12.5", "2026-11-22", "06:30:00". Returns its length; out gets at most
 * size - 1 bytes.
 */
size_t edm_text(const struct edm_value *v, char *out, size_t size);
/*
 * Same value? Decimals by number ("12.000" is 12), texts byte for byte; an Int64 equals a Decimal of the same number.
 */
bool edm_same(const struct edm_value *a, const struct edm_value *b);

/*
 * A decimal in its plain form: no exponent, no idle zeros or signs. "1.20e3" gives "1200". Length, or ERR_SYNTAX, or
 * ERR_RANGE when it has more than ODATA_DIGITS_MAX characters.
 */
int decimal_plain(const char *s, size_t len, char out[ODATA_DIGITS_MAX + 1]);
enum decimal_round { DECIMAL_REFUSE, DECIMAL_HALF_UP, DECIMAL_HALF_EVEN, DECIMAL_DOWN };
/*
 * Fit a plain decimal into precision and scale (0 and EDM_SCALE_ANY: any). ERR_RANGE: too many digits before the point.
 * ERR_LIMIT: digits behind the point would be lost and round is DECIMAL_REFUSE.
 */
int decimal_fit(char text[ODATA_DIGITS_MAX + 1], uint32_t precision, int32_t scale, enum decimal_round round);
/* Of two plain decimals: below, equal or above 0 as a is below, equal to or above b. */
int decimal_cmp(const char *a, const char *b);

/* Days since 1970 of a date (proleptic Gregorian), and back. */
int64_t day_of_date(int year, int month, int day);
void date_of_day(int64_t day, int *year, int *month, int *d);

/*
 * What a clock on the plant's wall shows: seconds since 1970-01-01 of that wall, without any zone. zones: the plant's
 * (struct plan), n 0: UTC. Its day is what SAP means by a posting date; the UTC instant's day is not.
 */
int64_t local_seconds(struct wall t, const struct zone_offset *zones, size_t n);

#endif
