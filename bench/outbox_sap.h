/* The part of `bench outbox` that goes through the sap-odata sink. */
#ifndef BENCH_OUTBOX_SAP_H
#define BENCH_OUTBOX_SAP_H

void bench_outbox_sap(void);

#endif
