/*
 * AUTH: answers one question of SUPERVISOR's with a verdict (broker/auth.h), and ends.
 */
#ifndef BOXDO_ASK_AUTH_H
#define BOXDO_ASK_AUTH_H

/* socket: to SUPERVISOR; prompt: to HANDLE, which asks for the password. Does not return. */
void
auth_answer(int socket, int prompt) __attribute__((noreturn));

#endif
