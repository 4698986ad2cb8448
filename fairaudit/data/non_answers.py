"""Labels that say nothing about a person: how forms in several languages word "no answer".

The list decides who is counted apart where a rule counts people of unknown category apart. It is
read without case, accents, apostrophes, spacing and punctuation; words such as "race" or "other"
around an entry do not count, so that "Race/Ethnicity: Not Reported" and "Other/Unknown" are
entries too. "Other" alone is an answer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from fairaudit.data.name_words import folded, word_set, words_of

# "not …", "un…", "no … reported": what was not done with the question
_DONE_WORDS = "|".join(
    sorted(
        word_set(
            """answered applicable asked assigned available captured chosen collected completed
            declared defined determined disclosed documented entered furnished given identified
            indicated known obtained provided recorded reported responded revealed selected
            shared specified stated submitted supplied sure"""
        )
    )
)
_DONE = rf"(?:{_DONE_WORDS}|filled|filled in|filled out|on file|self identified)"
_SAID = (
    r"(?:answer|disclose|self identify|identify|respond|reply|say|state|specify|provide|share|"
    r"declare|indicate|report|reveal|tell|know|complete|participate|give)"
)
# Whole labels, once the words around them are gone.
_ENGLISH = (
    rf"not {_DONE}(?: (?:by|on|in|at|to|for) .*)?",
    rf"no (?:{_DONE}|answer|response|reply|data|information|info|value|entry|record)"
    r"(?: (?:given|provided|available|recorded|reported|specified|supplied))?",
    r"un(?:answered|assigned|available|declared|defined|determined|disclosed|identified|known|"
    r"recorded|reported|selected|specified|stated|sure)(?: by .*)?",
    r"unk|unkn|missing|blank|empty|null|nil|na|n a|nan|n d|nat|tbd|void|skip|skipped|private|"
    r"confidential|anonymous|withheld|withhold|nonresponse|non response|non answer|nondisclosed|"
    r"non disclosed|not a number|left blank|to be determined|dont know|do not know",
)
_OTHER_LANGUAGES = (
    # Spanish
    r"desconocid[oa]s?|ignorad[oa]|ns nc|ns|nc|"
    r"sin (?:especificar|datos?|respuesta|informacion|"
    r"declarar|determinar|contestar|responder|registro)|no (?:especificad|informad|declarad|"
    r"indicad|conocid|registrad|reportad|proporcionad|identificad|determinad|contestad)[oa]|"
    r"no (?:sabe|contesta|responde|disponible|respondio|contesto|consta|sabe no (?:contesta|"
    r"responde))",
    # French
    r"inconnue?s?|indeterminee?|(?:non|pas) (?:renseigne|precise|specifie|communique|declare|"
    r"indique|repondu|repondue|connu|divulgue|fourni|determine)e?s?|(?:non|pas) (?:disponible|"
    r"reponse)|sans (?:reponse|objet|precision)|pas de reponse|nsp|ne sait pas|non reponse|"
    r"aucune reponse",
    # German
    r"keine (?:angaben?|antwort|auskunft|daten|information(?:en)?)(?: .*)?|"
    r"ohne (?:angaben?|antwort)|"
    r"k a|unbekannt|unbestimmt|unklar|nicht (?:angegeben|bekannt|genannt|spezifiziert|"
    r"beantwortet|erfasst|verfugbar|ausgefullt|mitgeteilt|erhoben|ermittelt|zutreffend)|"
    r"weiss nicht|weis nicht|"
    r"fehlt|fehlend|verweigert|antwort verweigert",
    # Italian
    r"sconosciut[oai]|ignot[oai]|non (?:specificat|dichiarat|indicat|fornit|not|rispost|"
    r"rilevat|comunicat|pervenut|conosciut|precisat)[oai]|non (?:disponibile|risponde|so|sa)|"
    r"nessuna (?:risposta|indicazione|informazione)|mancante|senza risposta",
    # Portuguese
    r"desconhecid[oa]s?|nao (?:informad|declarad|especificad|indicad|identificad|respondid|"
    r"fornecid|conhecid|divulgad|preenchid|registrad)[oa]|"
    r"nao (?:sabe|responde|respondeu|disponivel|consta)|"
    r"sem (?:informacao|resposta|declaracao|dados?|especificacao)",
    # Dutch
    r"onbekend|niet (?:opgegeven|bekend|ingevuld|vermeld|gespecificeerd|beschikbaar|beantwoord|"
    r"verstrekt|geregistreerd)|geen (?:antwoord|opgave|gegevens|informatie)|weet niet|weigert|"
    r"geweigerd",
    # single words of further languages
    r"okand|ukjent|ukendt|tuntematon|nieznan[aey]|brak danych|bilinmiyor|неизвестно|не указано|"
    r"нет данных|不明|未知|未回答|無回答|不详",
)
# Refusals: whatever follows them belongs to them.
_REFUSALS = (
    r"declin(?:e|es|ed|ing)|refus(?:e|es|ed|al)?|opt(?:ed)? out|withh(?:e|o)ld",
    r"(?:(?:would |id |d )?(?:rather|prefer|prefers|preferred|choose|chooses|chose|choosing|elect|"
    r"elected|opt|opted|wish|wishes|want)) not(?: to)?(?: .*)?(?<!self describe)",
    r"(?:do|does|did) not (?:wish|want|care|like|choose|intend|desire|consent|feel)",
    r"(?:dont|doesnt|didnt) (?:wish|want|care|like|choose|intend|desire|consent|feel)",
    rf"(?:do|does|did|dont|doesnt|didnt|will|would|can|could)(?: not|(?<=t)) {_SAID}",
    r"not (?:willing|wishing|comfortable|wanting)|unwilling|no wish",
    # Spanish, Portuguese, French, Italian, German, Dutch
    r"pref(?:iero|iere|iro|ere|eriria|eria) (?:no|nao)|no (?:deseo|desea|quiero|quiere)|"
    r"nao (?:desejo|deseja|quero|quer)|se niega|rechaza|recus(?:a|ou|o)",
    r"(?:prefere|preferes|prefererais) (?:ne )?pas|prefere ne pas|"
    r"ne (?:souhaite|veut|veux|desire) pas|refuse",
    r"prefer(?:isco|isce|irei) non|non (?:desidero|desidera|voglio|vuole)|rifiut\w*",
    r"(?:ich )?(?:mochte|moechte|will|wolle|wollte) (?:\w+ ){0,3}?(?:nicht|keine)|"
    r"lieber nicht|lieber keine",
    r"(?:zeg ik |wil (?:ik )?(?:dit |het |dat )?|ik )?liever niet|"
    r"wil (?:ik )?(?:dit |het |dat )?niet|"
    r"ik wil (?:dit |het |dat )?niet",
)
_AROUND = word_set(
    """race ethnicity ethnic racial sex gender age origin nationality national religion category
    group class identity status information info data value label code applicant candidate
    employee respondent person student patient subject i we he she they it my the of other others
    or and was is has have this question answer response field raza etnia sexo genero raca genere
    sesso geslacht geschlecht autre otro outro altro andere anders oder ou o of e et y und en je
    me nous or ethnie rasse ethnische herkunft zu zur"""
)
_WHOLE = re.compile("|".join((*_ENGLISH, *_OTHER_LANGUAGES)))
_REFUSAL = re.compile(r"(?:%s)\b.*" % "|".join(_REFUSALS))  # noqa: UP031  braces
_PARTS = re.compile(r"[/,;|()]|\b(?:or|and)\b")
_NO_WORD = re.compile(r"[\s?.*_/\\–—-]*")
# "None" is an answer where nobody need have one: a disability, a religion.
_NONE = word_set(
    "none ninguno ninguna aucun aucune keine keiner nessuno nessuna nenhum nenhuma geen"
)
_MAY_HAVE_NONE = word_set(
    """disability disabled handicap impairment religion religious faith creed veteran military
    union pregnancy condition conditions diagnosis children dependents behinderung religiao
    religione discapacidad deficiencia"""
)
_SEX_WORDS = word_set("sex gender geschlecht sexo genero sesso geslacht sexe genre")


def answer_key(label: str) -> str:
    """What two wordings of one answer share: letters and digits, without case and accents.

    >>> answer_key("I don’t wish to answer.") == answer_key("i dont  WISH to-answer")
    True
    """
    text = folded(unicodedata.normalize("NFKC", label)).casefold()
    if re.fullmatch(r"\s*[+-]?\d+([.,]\d+)?\s*", text):
        return text.strip()  # -1 is not 1
    text = re.sub(r"(?<=\w)['’‘`´ʼ](?=\w)", "", text)
    return " ".join(re.findall(r"[^\W_]+", text))


@dataclass(frozen=True)
class NonAnswers:
    """Which labels count as "did not answer": the list, and what a person changed.

    Attributes
    ----------
    more : further labels that are no answers
    fewer : labels that are answers although the list has them
    """

    more: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()

    def __contains__(self, answer: tuple[str, str]) -> bool:
        """Whether (attribute, label) is no answer."""
        attribute, label = answer
        key = answer_key(label)
        if label in self.fewer or (key and key in map(answer_key, self.fewer)):
            return False
        if label in self.more or (key and key in map(answer_key, self.more)):
            return True
        return says_nothing(label, attribute)


def says_nothing(label: str, attribute: str = "") -> bool:
    """Whether a label is one of the wordings of "no answer".

    Parameters
    ----------
    label : str
    attribute : the column's name: "None" is an answer to a question about disability or
        religion, "U" is none to one about sex
    """
    if _NO_WORD.fullmatch(label):
        return True
    key = answer_key(label)
    named = set(words_of(attribute))
    if key in _NONE or key in ("not applicable", "n a", "na"):
        return not named & _MAY_HAVE_NONE
    if key == "u":
        return bool(named & _SEX_WORDS)
    if any(_WHOLE.fullmatch(k) or _REFUSAL.fullmatch(k) for k in _cores(key)):
        return True
    parts = [p for p in _PARTS.split(label) if answer_key(p)]
    silent = [says_nothing(p, attribute) for p in parts] if len(parts) > 1 else []
    return any(silent) and all(
        quiet or set(answer_key(p).split()) <= _AROUND
        for quiet, p in zip(silent, parts, strict=True)
    )


def _cores(key: str) -> list[str]:
    """The label itself, and its core without surrounding words; never empty."""
    words = key.split()
    start, end = 0, len(words)
    out = [key]
    while start < end and words[start] in _AROUND:
        start += 1
        out.append(" ".join(words[start:end]))
    while end > start and words[end - 1] in _AROUND:
        end -= 1
        out.append(" ".join(words[start:end]))
    return [core for core in out if core]
