"""Words that suggest an outcome, and words for what is known only after one."""

from __future__ import annotations

import re

from fairaudit.data.name_words import word_set
from fairaudit.data.outcome_words import TOPICS

TARGET_WORDS = word_set(
    """target label outcome y response truth groundtruth actual dependent ziel zielvariable
    zielgrosse objetivo cible etiqueta etiquette"""
)
# Outcome words that are also parts of other names: they need a short name.
LOOSE_TARGET_WORDS = word_set(
    """class result klasse classe clase ergebnis resultado resultat risultato status
    output binary"""
)
TARGET_TOPICS = frozenset(TOPICS)
AMOUNTS = word_set("income salary wage wages pay earnings einkommen gehalt lohn renda ingresos")
# Outcomes of their own, but more often something on the way to another outcome.
CONDITIONS = word_set(
    """diagnosis disease diabetes hypertension cancer condition illness krankheit frisked searched
    interviewed shortlisted"""
)
PHRASES: tuple[frozenset[str], ...] = tuple(
    word_set(words)
    for words in (
        "loan status", "action taken", "death event", "final result", "term deposit",
        "loanstatus", "actiontaken", "finalresult", "creditrisk", "risk performance",
        "did not", "no show", "not attended", "missed appointment", "nicht erschienen",
        "niet verschenen", "non presentato", "no asistio", "nao compareceu",
        "hospital expire flag", "default payment", "credit risk", "heart disease presence",
    )
)  # fmt: skip
EARLIER = word_set(
    """previous prev prior priors past history hist last ever lag former earlier poutcome vorher
    vorige before juv prevalent previa previo previas previos anterior anteriores antecedentes
    precedent precedente precedents vorherig vorherige fruher fruhere passe passes pasado pasada
    baseline record records antecedents antecedenti precedenti vorstrafe vorstrafen vorgeschichte
    antecedentes historial historique strafblad letzte letzten letzter dernier dernieres derniers
    ultimo ultimos ultima ultimas ultimi ultime laatste ostatni ostatnie ostatnich senaste siste
    poprzedni poprzednie wczesniejsze eerder eerdere anterieur anterieurs anterieures tidigare
    tidligere"""
)
# "within 12 months", "na_3_jaar": outcomes are looked at some time after the decision.
NUMBERS = word_set("one two three four five six nine ten twelve eighteen")
SPANS = word_set(
    """month months mo mos year years yr yrs week weeks wk wks day days hour hours
    monat monate monaten jahr jahre jahren tag tage tagen woche wochen
    maand maanden mnd jaar jaren dag dagen weken
    mes meses ano anos dia dias semana semanas mois an ans annee annees jour jours semaine semaines
    mese mesi anno anni giorno giorni settimana settimane
    miesiac miesiace miesiecy rok roku lata lat dni tygodni maneder ar dagar dager"""
)
SHORT_SPANS = word_set("m y d w j a")
# Decisions about people, as against what becomes of them afterwards.
DECIDED = word_set(
    """awarded award granted grant approved approval admitted admission accepted hired hire
    selected offered offer shortlisted invited funded released paroled bailed denied rejected
    refused flagged investigated detained sanctioned placed treated assigned enrolled referred
    eingestellt einstellung genehmigt bewilligt zugelassen zulassung angenommen zusage eingeladen
    abgelehnt concedido concedida otorgado otorgada aprobado aprobada admitido admitida contratado
    contratada seleccionado seleccionada aceptado aceptada rechazado denegado aprovado aprovada
    selecionado selecionada aceito aceita accorde accordee octroye octroyee admis admise accepte
    acceptee embauche embauchee recrute recrutee retenu retenue concesso concessa approvato
    approvata ammesso ammessa assunto assunta selezionato selezionata toegekend goedgekeurd
    aangenomen toegelaten geselecteerd afgewezen przyznany przyznana przyznano przyjety przyjeta
    zatwierdzony zatwierdzona zatrudniony zatrudniona antagen anstalld beviljad godkand innvilget
    ansatt bevilget godkjent"""
)
# Points, an index or a rank: a system's score where a decision follows them.
POINTS = word_set(
    """points point pts punkte punti puntos pontos punten punkty poeng poang index indice rank
    ranking rating scoring priority prioritat priorite prioridad"""
)
POINT_ENDINGS = ("punkte", "punktzahl", "punten", "poeng", "poang", "score", "index")

# Words of counts ("toxicity_annotator_count"): measures, never outcomes.
COUNTS = word_set(
    """count counts number num nbr n nb anzahl numero nombre annotator annotators raters aantal
    liczba antal"""
)

# What people do, or not, after a decision in their favour; of it the decision is the outcome.
TAKEN_UP = word_set(
    """enrolled enrolment enrollment enrolls attending attends matriculated matriculates joined
    onboarded started took immatrikuliert eingeschrieben inscrit inscrito
    matriculado matriculada iscritto ingeschreven"""
)
# Tests of people at school; under these names a last column of numbers is their result.
SUBJECTS = word_set(
    """reading math maths mathematics science english writing language lectura mathe matematica
    matematicas lecture rekenen taal lesen"""
)
RESULTS = word_set("score scores mark marks grade points punkte puntaje nota note punteggio")
DEATH = word_set("died death mortality expire expired survived survival gestorben deces fallecido")
# Known only after the outcome whatever it is, by name alone.
AFTERWARDS = tuple(
    word_set(words)
    for words in (
        "denial reason", "reason denial", "rejection reason", "reason rejection",
        "reject reason", "reason refusal", "refusal reason", "term reason", "termination reason",
        "reason termination", "leaving reason", "reason leaving", "exit reason", "churn reason",
        "exit interview", "date termination", "dateof termination", "termination date",
        "dropout reason", "reason dropout", "cause death", "death cause", "recoveries",
        "collection recovery", "charge off", "chargeoff", "settlement", "rec prncp", "rec int",
        "rec late", "total pymnt", "last pymnt", "next pymnt", "out prncp", "amount recovered",
        "recovered amount", "recovery amount", "collection fee", "default date", "date default",
        "total paid", "importe recuperado", "montant recouvre", "hardship", "motif sortie",
        "fecha baja", "austritt", "austrittsgrund", "austrittsdatum", "date depart",
        "motivo baja", "ablehnungsgrund",
        "kundigungsgrund", "motivo rechazo", "motif refus", "outcome date", "decision date reason",
    )
)  # fmt: skip
DEATH_WITHIN = re.compile(r"dead|death|died|deceased|mortality")  # "hospdead"
# Known only after a death or a stay in hospital.
AFTER_A_DEATH = word_set(
    """dischtime discharge discharged deathtime dod deathdate outtime dischargetime
    dischargelocation los slos dtime survtime survivaltime futime ttd"""
)
# What people who rate a text say of it, beside each other.
RATINGS = word_set(
    """toxic toxicity severetoxic severetoxicity obscene threat insult identityhate
    identityattack sexualexplicit hate harassment"""
)
FEWEST_RATINGS = 3
# Words that are suspicious where the column also predicts the outcome.
SUSPICIOUS_NAMES = word_set(
    """end event stop futime followup enddate endtime eventtime timetoevent followuptime
    eventdate"""
)
SUSPICIOUS_WORDS = word_set("after afterwards followup danach despues apres")
CONTACT_WORDS = word_set("call contact campaign poutcome pdays calls kontakt kampagne telefonat")
CALL_LENGTH = word_set("duration length seconds dauer duracion duree durata")
