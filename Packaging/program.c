// The program `needletail` of the wheel: all of it is in the library.
extern int NeedletailCommand_main(int count, char **words);

int main(int count, char **words) { return NeedletailCommand_main(count, words); }
