"""Smart City Safety Net (스마트도시 안전망).

The path of one alarm, which is also the order of the rooms of `core`: a device says something (`fixes`), it is held
against the court's order (`orders`, `rules`), an alarm rings (`alarms`) and becomes an incident (`incidents`), the
cameras that can see the place are chosen (`cameras`) and provided on a statutory basis (`law`, `grants`), people are
sent (`dispatch`), centres tell each other (`messages`), and all of it is written where nobody can change it unseen
(`ledger`).
"""
