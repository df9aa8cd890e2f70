/*
 * Units as UCUM writes them (The Unified Code for Units of Measure, 2.1, case-sensitive form): the part that plants
 * use, which is all of SI with its prefixes and the customary units of industry. A unit is read into what
 * conversion needs: a dimension, and how its numbers come from those of the base units.
 *
 * One deviation: UCUM says that mol is a pure number (6.022e23); here it is a dimension of its own, as in SI, so
 * that an amount is never mistaken for a count.
 */
#ifndef MODEL_UNIT_H
#define MODEL_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNIT_TEXT_MAX	128u	/* bytes of a unit's text */
#define UNIT_DEPTH_MAX	4u	/* parentheses within parentheses */

enum unit_dim {
	UNIT_LENGTH, UNIT_TIME, UNIT_MASS, UNIT_ANGLE, UNIT_TEMPERATURE, UNIT_CHARGE, UNIT_LUMINOSITY, UNIT_AMOUNT, UNIT_DIMS
};

struct unit {
	int8_t	dim[UNIT_DIMS];		/* powers of m, s, g, rad, K, C, cd, mol: UCUM's base units */
	double	factor, offset;		/* in base units = number * factor + offset; offset only for Cel, [degF] and such */
	bool	special;		/* on a scale of its own (Cel, [degF], [pH]): stands alone, takes no power */
};

/*
 * Read a unit; "" and "1" are the pure number. On failure the cause is in why, with what was probably meant:
 * "\"degC\" is no UCUM unit; did you mean \"Cel\"?". 0, ERR_SYNTAX or ERR_LIMIT.
 */
int unit_parse(const char *s, size_t len, struct unit *out, char *why, size_t size);

/* How numbers in `from` become numbers in `to`: x * factor + offset. ERR_TYPE when the dimensions differ. */
int unit_conversion(const struct unit *from, const struct unit *to, double *factor, double *offset);

/* unit_atoms.c: the table of symbols. */
struct unit_atom {
	const char	*code;		/* NULL ends the table */
	bool		 metric;	/* takes prefixes */
	double		 factor;
	int8_t		 dim[UNIT_DIMS];
	double		 offset;
	bool		 special;
};
struct unit_prefix {
	const char	*code;
	double		 factor;
};
extern const struct unit_atom unit_atoms[];
extern const struct unit_prefix unit_prefixes[];
/* What people write, and what UCUM writes. */
struct unit_habit {
	const char	*habit, *ucum;
};
extern const struct unit_habit unit_habits[];

#endif
