"""Words by which outcomes are recognised, in common languages, without accents.

`fairaudit.data.outcome` decides with them which label is positive and what it means.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from fairaudit.data.outcome_topics import (
    BAD_TOPICS,
    GOOD_TOPICS,
    OPEN_TOPICS,
    TOPIC_PHRASES,
    WHOLE_TOPICS,
)

_UNCOMBINED = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "đ": "d", "ı": "i", "œ": "oe"})


def plain(text: str) -> str:
    """Lower case, one width, no accents; the form in which words are compared."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_UNCOMBINED)
    spread = unicodedata.normalize("NFKD", folded)
    return "".join(c for c in spread if not unicodedata.combining(c))


def _set(words: str) -> frozenset[str]:
    return frozenset(map(plain, words.split()))


# Answers. Languages: English, German, Dutch, Scandinavian, Spanish, Portuguese, Italian, French,
# Romanian, Polish, Czech, Russian, Ukrainian, Bulgarian, Greek, Turkish, Finnish, Hungarian,
# Indonesian, Vietnamese, Chinese, Japanese, Korean, Arabic, Hindi.
YES = _set(
    """1 true yes yep positive pos present + ja jo si sim oui vrai da tak ano prawda wahr
    verdadero verdadeiro vero waar sant sand да так є истина ναι evet var dogru kylla igen igaz
    ya benar co dung 是 有 真 はい 有り 예 네 نعم हा हां हाँ positiv positivo positive positif"""
)
NO = _set(
    """0 -1 false no nope negative neg absent none never - nein nee nej nei nao non faux nu
    nie ne falsch falso onwaar falskt нет ні не ложь οχι όχι hayir yok yanlis ei nem hamis tidak
    bukan salah khong sai 否 无 無 没有 假 いいえ なし 아니오 아니요 لا नही नहीं
    negativ negativo negatif"""
)
LETTERS = (("y", "n"), ("t", "f"), ("p", "f"), ("j", "n"), ("s", "n"), ("o", "n"), ("v", "f"))
NEGATIONS = _set(
    """not no non never without kein keine keinen nicht ohne nie niet geen zonder inte ikke ingen
    uden utan sin ningun ninguno sem nenhum senza nessun pas sans aucun fara bez не нет без ei
    nem tidak bukan 不 未 没 無 anti"""
)
PREFIXES = (
    "un", "in", "im", "il", "ir", "non", "non-", "not", "no", "dis", "a", "anti", "nicht", "kein",
    "des", "nao", "niet", "onver", "on", "ikke", "inte", "nie", "ne", "не", "不", "未", "没", "非",
)  # fmt: skip
HIGH = _set("> >= ≥ high higher above over more hoch alto alta haut eleve hoog wysoki высокий 高")
LOW = _set("< <= ≤ low lower below under less niedrig bajo baja basso faible laag niski низкий 低")
# What is usual where nothing happened: never the positive class by itself.
STATES = _set(
    """healthy normal benign legit legitimate genuine ham clean clear regular ordinary gesund
    sano sana sain zdrowy здоров alive stayed active current conforme conform konform compliant
    regolare correcto korrekt"""
)
# Topics of outcomes by a word of the column's name: 1 good, −1 bad, 0 neither for the person.
TOPICS: Mapping[str, int] = {
    **dict.fromkeys(_set(OPEN_TOPICS), 0),
    **dict.fromkeys(_set(GOOD_TOPICS), 1),
    **dict.fromkeys(_set(BAD_TOPICS), -1),
}


def topic_sense(words: tuple[str, ...]) -> int | None:
    """What a column's name says about its outcome: 1 good, −1 bad, 0 neither, None nothing."""
    whole = "".join(words)
    for phrase, sense in TOPIC_PHRASES.items():
        if set(phrase.split()) <= set(words) or phrase.replace(" ", "") == whole:
            return sense
    if whole in WHOLE_TOPICS:
        return WHOLE_TOPICS[whole]
    return next((TOPICS[w] for w in (whole, *words) if w in TOPICS), None)


def says_no_itself(words: tuple[str, ...]) -> bool:
    """Whether a negation belongs to the topic of a name: "did not attend", "no show"."""
    phrases = (phrase.split() for phrase in TOPIC_PHRASES if set(phrase.split()) & NEGATIONS)
    return any(set(phrase) <= set(words) for phrase in phrases)


# What people hope for.
GOOD = _set(GOOD_TOPICS) | _set(
    """conforme konform compliant employment placed interviewed eligible eligibility qualified
    permanent renewed fully good approved approve approval accept accepted accepts acceptance
    granted grant hired hire hires hiring admitted admit admits admission passed pass passes
    success successful succeeded repaid repay paid selected select selection qualifies promoted
    promotion promote shortlisted shortlist interview offer offered employed graduated graduate
    graduation graduates enrolled invited funded awarded award scholarship survived survive
    survival cured recovered recovery remission released release bail parole satisfied income
    salary wage wages earnings bonus raise creditworthy retained insured achievement ach
    mathach completed won win benefit benefits tenure tenured pf gut genehmigt
    bewilligt angenommen zugelassen eingestellt bestanden ausgewahlt geeignet befordert
    eingeladen zugesagt zusage erfolgreich beschaftigt uberlebt einkommen gehalt aceptado
    aceptada aprobado aprobada contratado contratada admitido admitida seleccionado
    seleccionada concedido concedida pagado exito apto apta bueno buena empleado sobrevivio
    ingreso ingresos aprovado aprovada aceito aceita selecionado selecionada bom boa sucesso
    renda accepte acceptee approuve approuvee embauche embauchee admis admise retenu retenue
    recu recue accorde accordee reussi reussite succes bon bonne revenu salaire accettato
    accettata approvato approvata assunto assunta ammesso ammessa idoneo promosso promossa
    buono successo reddito aangenomen goedgekeurd toegelaten geslaagd geschikt goed inkomen
    przyjety przyjeta zatwierdzony zatwierdzona zatrudniony zaliczony dobry dobra dochod принят
    принята одобрен одобрено одобрена нанят нанята допущен сдал хороший выдан 通过 批准 录用
    录取 合格 良好 採用 承認 可決 합격 승인 채용 مقبول onaylandi kabul basarili
    favorable favourable favorevole favoravel gunstig befurwortet"""
)
# What people fear: an event that happens, or the refusal of something good.
_EVENTS = """overdue bankrupt removal removed substantiated indebted default resign resigned
    nonpayment nonconforme unwell bad defaulted defaults delinquent delinquency bankruptcy
    recid recidivism recidivated reoffend reoffended reoffends rearrest rearrested arrest
    arrested convicted conviction guilty crime crimes criminal violent violence felony offender
    died dead death deaths die deceased mortality expire expired fatal fatality killed fraud
    fraudulent fraudster readmitted readmission readmit rehospitalized attrition churn churned
    quit left dropout dropped withdrawn withdrew fired layoff dismissed terminated sick ill
    illness disease diseased cancer malignant tumor tumour stroke diabetes diabetic
    hypertension infection infected sepsis covid injury injured accident suicide depression
    dementia relapse relapsed complication complications evicted eviction foreclosed
    foreclosure spam toxic toxicity hate abuse abusive abused neglect complaint flagged flag
    suspicious suspect risk risky frisked searched stopped detained detention deported
    surveillance investigated investigation audited penalty charged chargeoff loss late arrears
    unemployed homeless poor poverty victim hospitalized hospitalised hospitalization icu
    amputation schlecht ausfall ausgefallen kreditausfall betrug ruckfall ruckfallig verstorben
    gestorben tod krank krankheit krebs gekundigt kundigung verurteilt straffallig verdachtig
    arbeitslos zahlungsausfall malo mala moroso morosa mora impago incumplimiento fraude muerto
    muerte fallecido fallecida enfermo enferma enfermedad reincidencia reincidente reingreso
    abandono desercion despedido culpable desempleado mau ma inadimplente inadimplencia obito
    morto morte doente doenca evasao desistencia mauvais mauvaise defaut defaillant fraudeur
    mort deces decede malade maladie recidive licencie chomage abandonne cattivo insolvente
    frode deceduto malato malattia recidiva licenziato slecht wanbetaling overleden ziek ziekte
    ontslagen zly oszustwo zgon chory choroba дефолт просрочка мошенничество умер умерла смерть
    болен болезнь рецидив уволен отток плохой 违约 死亡 欺诈 逾期 患病 流失 再犯 死者 解雇 不正
    temerrut dolandiricilik oldu"""
_REFUSALS = """denied deny denial rejected reject rejects rejection refused refuse refusal
    declined decline failed fail fails failure unsuccessful ineligible unqualified unsuitable
    waitlisted excluded disqualified abgelehnt abgewiesen verweigert durchgefallen
    nichtbestanden ungeeignet absage rechazado rechazada denegado denegada suspenso suspendido
    reprobado reprobada recusado recusada negado negada rejeitado rejeitada refusee rejete
    rejetee echec echoue rifiutato rifiutata respinto respinta bocciato bocciata afgewezen
    geweigerd gezakt odrzucony odrzucona odmowa отклонен отклонено отклонена отказ отказано
    отказан
    defavorable unfavorable unfavourable desfavorable desfavoravel sfavorevole ongunstig
    ungunstig 拒绝 驳回 不合格 未通过 却下 不採用 거절 불합격 مرفوض reddedildi ret basarisiz"""
BAD: Mapping[str, str] = {
    **dict.fromkeys(_set(BAD_TOPICS), "event"),
    **dict.fromkeys(_set(_EVENTS), "event"),
    **dict.fromkeys(_set(_REFUSALS), "refusal"),
}
# What only says which kind a thing is.
NEUTRAL = _set(
    """gender sex geschlecht sexo sexe sesso geslacht species breed digit animal genus colour
    color category type kind language country race ethnicity"""
)
