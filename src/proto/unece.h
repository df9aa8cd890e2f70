/*
 * Units as OPC UA names them: codes of UNECE Recommendation 20, and the UCUM units of the site file that mean the same. OPC 10000-8 1.05, 5.6.3
 * makes a number of a code: its characters, at most three, as bytes of an Int32, the last one lowest.
 */
#ifndef PROTO_UNECE_H
#define PROTO_UNECE_H

#include <stdint.h>

#define UNECE_NAMESPACE	"http://www.opcfoundation.org/UA/units/un/cefact"	/* EUInformation.namespaceUri */

struct unece {
	const char	*code;		/* "CEL" */
	const char	*ucum;		/* "Cel" */
	const char	*symbol;	/* "°C", for EUInformation.displayName */
	const char	*name;		/* "degree Celsius", for its description */
};

/* NULL: the table has none that means the same. Static. */
const struct unece *unece_of_ucum(const char *ucum);
const struct unece *unece_of_id(int32_t unit_id);
/* 4408652 of "CEL". */
int32_t unece_unit_id(const char *code);

#endif
