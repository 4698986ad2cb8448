"""What outcomes are about, by words in the names of columns, and what each means for the person.

One table for two questions: the doctor recognises targets by it, and `fairaudit.data.outcome`
what they mean. The languages are those of `fairaudit.data.outcome_words`, which reads the words.
"""

from __future__ import annotations

from collections.abc import Mapping

# Outcomes that people hope for.
GOOD_TOPICS = """repaid survived survival hired hire hireable hirable admitted admission
    approved approval pass passed graduated graduate promoted promotion accepted pf zfya ach
    mathach achievement g3 selected granted subscribed employed esr enrolled insured pincp
    pubcov hicov publiccoverage creditworthy creditworthiness utilization loanapproved
    loanapproval approvalstatus callback funded awarded finalgrade finalresult attractive
    tenured eingestellt einstellung angestellt genehmigt bewilligt bewilligung zusage bestanden
    befordert zugelassen zulassung beschaftigt kreditwurdig eingeladen einladung angenommen
    contratado contratada contratacion aprobado aprobada admitido admitida seleccionado
    seleccionada concedido concedida otorgado otorgada aceptado aceptada empleado apto aprovado
    aprovada contratacao selecionado selecionada aceito aceita concessao embauche embauchee
    embauches accepte acceptee accorde accordee admis admise recrute recrutee reussite reussi
    selectionne selectionnee octroye octroyee assunto assunta assunzione promosso promossa
    ammesso ammessa approvato approvata concesso concessa idoneo idonea selezionato selezionata
    aangenomen goedgekeurd toegelaten geslaagd toegekend geselecteerd zatrudniony zatrudniona
    zatrudnienie przyjety przyjeta zatwierdzony zatwierdzona przyznany przyznana awansowany
    anstalld ansatt antagen antatt godkand godkjent godkendt optaget bevilget beviljad angajat
    angajata aprobat acceptat promovat prijat prijata zamestnan schvaleno schvalen felvett
    elfogadott jovahagyott palkattu hyvaksytty valittu onaylandi onay kabul mezun принят
    принята нанят нанята одобрен одобрена одобрено зачислен зачислена выдан сдал прийнятий
    прийнята схвалено зарахований одобрение нает приет приета προσληφθηκε εγκριθηκε εγκριση
    εισακτεος diterima disetujui lulus duyet 录用 录取 批准 通过 是否录用 是否录取 是否批准
    是否通过 採用 合格 承認 合否 採否 채용 합격 승인 채용여부 합격여부 승인여부 مقبول موافقة
    توظيف चयनित स्वीकृत occupato occupata ocupado ocupada empregado empregada sysselsatt
    werkzaam reemployed"""
# Outcomes that people fear.
BAD_TOPICS = """noshow noshows
    fta teruggevorderd terugvordering default defaulted defaulter defaulters recid
    recidivism recidivated recidivist reoffend reoffended reoffense rearrest rearrested finding
    dead deceased readmitted readmission readmit rehospitalized rehospitalization mortality
    died death expire expired churn churned attrition turnover termd terminated exited dropout
    withdrawn fraud fraudulent crimes crime violent malignant stroke chd tenyearchd
    heartdisease heartdiseaseorattack heartattack dlqin delinquent delinquency delinq toxicity
    toxic arrested arrest arstmade arrestmade convicted conviction denied rejected charges
    complication complications relapse sepsis chargeoff chargedoff foreclosed foreclosure
    evicted eviction substantiated rereferred rereferral reincarcerated reconvicted
    reconviction resigned resignation quit hospexpireflag abgelehnt ablehnung kreditausfall
    ausfall zahlungsausfall ausgefallen gekundigt kundigung ruckfall rueckfall ruckfallig
    gestorben verstorben abbruch abgebrochen studienabbruch arbeitslos betrug zahlungsverzug
    insolvenz rechazado rechazada denegado denegada impago moroso morosa morosidad
    incumplimiento reincidencia reincide reincidente reincidio abandono desercion fallecido
    fallecida fraude reingreso desempleado inadimplente inadimplencia evasao evadiu reprovado
    reprovada obito desistencia calote defaut recidive deces decede licencie licenciee
    licenciement demission decrochage indu refuse refusee rejete rejetee impaye impayes
    surendettement insolvente insolvenza recidiva deceduto deceduta licenziato licenziata
    bocciato bocciata respinto respinta frode abbandono sofferenza afgewezen wanbetaling
    overleden uitval ontslagen studieuitval odrzucony odrzucona zgon zwolniony oszustwo
    niewyplacalnosc avvist avslag avslatt avslaget misligholdt konkurs dodsfall avliden
    bedrageri respins respinsa decedat restant restanta abandon zamitnuto zamitnut nesplaceno
    umrti podvod elutasitott elhunyt csalas hylatty maksuhairio kuollut petos reddedildi
    temerrut dolandiricilik отклонен отклонена отказано отказ дефолт просрочка отток умер
    рецидив мошенничество уволен відмовлено прострочення шахрайство починат просрочие измама
    отказан απορριφθηκε αθετηση θανατος απατη ditolak macet menunggak putus 违约 逾期 流失 死亡
    欺诈 再犯 是否违约 是否逾期 是否流失 是否离职 离职 退学 延滞 離職 退職 解約 中退 연체 퇴사
    이탈 사망 부도 불합격 مرفوض تعثر احتيال وفاة अस्वीकृत"""
# Outcomes that are neither.
OPEN_TOPICS = "mig jwmnp"
# Words that are topics only where the whole name says them, and words that are so together.
WHOLE_TOPICS: Mapping[str, int] = {"left": -1, "call": 1}
TOPIC_PHRASES: Mapping[str, int] = {
    "public coverage": 1, "health coverage": 1, "health insurance": 1, "employment status": 1,
    "action taken": 1, "final grade": 1, "final result": 1, "first year average": 1,
    "loan approval": 1, "credit approval": 1, "term deposit": 0, "default payment": -1,
    "credit default": -1, "charged off": -1, "death event": -1, "hospital expire flag": -1,
    "heart disease": -1, "heart attack": -1, "left company": -1, "undue payment": -1,
    "did not attend": -1, "no show": -1, "not attended": -1, "missed appointment": -1,
    "nicht erschienen": -1, "niet verschenen": -1, "non presentato": -1, "no asistio": -1,
    "nao compareceu": -1,
    "foster care": -1, "home placement": -1, "trop percu": -1, "pago indebido": -1,
}  # fmt: skip
