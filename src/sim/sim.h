/* `penstock sim`: simulated plant for the demo, the tests and the benchmarks. See README.md in this folder. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

/* argv[0] is "sim". Returns the exit status: 0, or 2 when it could not run or was used wrongly. */
int sim_main(int argc, char **argv);

#endif
