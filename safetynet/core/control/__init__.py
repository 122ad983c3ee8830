"""The mind of a control centre: from a verdict to an alarm, from an alarm to video, people and an end.

`decide` says what happens, `evolve` what is so afterwards, `react` what must be done about it. The machine raises,
prepares and follows; asking for video, sending people and closing are acts of a named person (PIPA 37-2).

Absent on purpose: names, orders and contacts; how a camera is chosen (that is the city's mind); the words on screen.
"""
