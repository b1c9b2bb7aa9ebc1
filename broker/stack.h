/*
 * What a process that has set something up no longer needs: the pages of its stack below where it is now. Three processes
 * wait for as long as the container runs, hundreds of times on a shared machine.
 */
#ifndef BOXDO_STACK_H
#define BOXDO_STACK_H

/* Gives them back to the kernel; deeper calls find zeros there, as at the first time. */
void
stack_give_back(void);

#endif
