/*
 * The common quality: OPC UA status codes (OPC 10000-4, 7.39; values from OPC 10000-6, annex A.2). Severity stands in
 * the two top bits. A driver maps what its device says to the nearest row here and gives the plain cause in words.
 */
#ifndef MODEL_STATUS_H
#define MODEL_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/*        name                      code        text for people */
#define STATUS_LIST(X)									\
	X(Good,                     0x00000000, "good")					\
	X(GoodClamped,              0x00300000, "good, limited to its range")		\
	X(GoodLocalOverride,        0x00960000, "good, overridden by hand")		\
	X(Uncertain,                0x40000000, "uncertain")				\
	X(UncertainLastUsableValue, 0x40900000, "uncertain: the last usable value, the source no longer updates it") \
	X(UncertainInitialValue,    0x40920000, "uncertain: initial value, never updated")	\
	X(UncertainSubNormal,       0x40950000, "uncertain: made from fewer good values than it should")	\
	X(UncertainEngineeringUnitsExceeded, 0x40940000, "uncertain: outside the range that the site file gives")	\
	X(Bad,                      0x80000000, "bad")					\
	X(BadUnexpectedError,       0x80010000, "bad: unexpected error")		\
	X(BadInternalError,         0x80020000, "bad: internal error")			\
	X(BadOutOfMemory,           0x80030000, "bad: out of memory")			\
	X(BadCommunicationError,    0x80050000, "bad: communication error")		\
	X(BadDecodingError,         0x80070000, "bad: the reply cannot be decoded")	\
	X(BadTimeout,               0x800A0000, "bad: no answer in time")		\
	X(BadShutdown,              0x800C0000, "bad: the source is being stopped")	\
	X(BadServerNotConnected,    0x800D0000, "bad: not connected yet")		\
	X(BadNoCommunication,       0x80310000, "bad: no communication with the device")	\
	X(BadWaitingForInitialData, 0x80320000, "bad: not read yet")			\
	X(BadNodeIdUnknown,         0x80340000, "bad: the device does not know this address")	\
	X(BadNotReadable,           0x803A0000, "bad: not readable")			\
	X(BadOutOfRange,            0x803C0000, "bad: outside of what the type can hold")	\
	X(BadNotSupported,          0x803D0000, "bad: the device does not support this")	\
	X(BadConfigurationError,    0x80890000, "bad: configuration error")		\
	X(BadNotConnected,          0x808A0000, "bad: the variable is not connected to a source")	\
	X(BadDeviceFailure,         0x808B0000, "bad: the device reports a failure")	\
	X(BadSensorFailure,         0x808C0000, "bad: sensor failure")			\
	X(BadOutOfService,          0x808D0000, "bad: out of service")			\
	X(BadResourceUnavailable,   0x80040000, "bad: the device is busy")		\
	X(BadDataLost,              0x809D0000, "bad: data was lost")			\
	X(BadNoData,                0x809B0000, "bad: no data in this interval")

enum status {
#define X(name, code, text) STATUS_##name = (int32_t)code,
	STATUS_LIST(X)
#undef X
};

/* Samples carry the code as a plain uint32_t; any OPC UA code may appear, also ones without a row here. */
static inline bool status_is_good(uint32_t s) { return s >> 30 == 0; }
static inline bool status_is_uncertain(uint32_t s) { return s >> 30 == 1; }
static inline bool status_is_bad(uint32_t s) { return s >> 31 != 0; }
/* "BadTimeout"; a code without a row gives the class, "Bad". Static. */
const char *status_name(uint32_t status);
/* For people. Static. */
const char *status_text(uint32_t status);

#endif
