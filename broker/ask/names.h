/*
 * DIRECTORY: answers SUPERVISOR's questions (broker/directory.h) until there are no more.
 */
#ifndef BOXDO_ASK_NAMES_H
#define BOXDO_ASK_NAMES_H

void
names_answer(int socket) __attribute__((noreturn));

#endif
