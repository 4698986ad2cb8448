"""Which letters the languages of the world use beyond ASCII, most frequent first, by encoding."""

from __future__ import annotations

from typing import NamedTuple


class Alphabet(NamedTuple):
    """The non-ASCII characters of a language, most frequent first.

    `spread` flattens the frequencies: 1 for one language, more for lists of many.
    """

    letters: str
    latin: bool
    spread: float = 1.0


_WESTERN = {
    "German": "üäöß",
    "French": "éèàêçôîâûùëïœüÿæ",
    "Spanish": "óíáéñúü¿¡ª",
    "Portuguese": "ãçéáíõóêâúôàü",
    "Italian": "àèòùéì",
    "Swedish": "äöåé",
    "Danish": "øåæé",
    "Finnish": "äöå",
    "Icelandic": "íáðéöóþúæý",
    "Dutch": "ëéïöèü",
    "Catalan": "óàéíèçòúïü·",
    "Estonian": "äõüöšž",
}
_CENTRAL = {
    "Polish": "łęążśóćńź",
    "Czech": "íáéěřýčšžůúťóďň",
    "Slovak": "áíéčýžšúľťôóňďäŕĺ",
    "Hungarian": "áéöóőíüúű",
    "Romanian": "ăîâşţșț",
    "Croatian": "čšžćđ",
    "German": "üäöß",
}
_CYRILLIC = {
    "Russian": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "Ukrainian": "оаинвітерслкудмпзяьбгйчхцїжєюшщфґ",
    "Bulgarian": "аиоетнрсвлкдпмзяъбугчйцжщхюшфь",
    "Serbian": "аиоенрстјувдкмплзбгчшцњжћљхђфџ",
}
_HANZI = (
    "的男女一是不了在人有中大国上个年性别龄姓名他为这来到地和以要说时会可也你对生能而子那得于着下自之出就"
    "好多都天日月学小市收入城工作职业北京海南广州深圳省区县乡镇村路号电话高低本科专硕士博初教育程度婚姻"
    "已未婚离丧偶健康是否通过拒绝录取批准贷款金额信用分数等级类型编公司部门汉族民回满蒙藏壮维吾尔数据"
    "表格时间期结果成绩语文英历史理化医院病患诊断治疗住户农业非家庭父母亲子孩老东西前后左右里外新旧长短"
    "开关起来去过还没法定行使用方发现从经水平明问题进动面样么事情想看知道与其三二四五六七八九十百千万"
    "元重量体社会经济政府机关合计总计缺失失败及格优良差其他无"
)  # fmt: skip
_HANZI_TRADITIONAL = (
    "的男女一是不了在人有中大國上個年性別齡姓名他為這來到地和以要說時會可也你對生能而子那得於著下自之出就"
    "好多都天日月學小市收入城工作職業臺台北高雄中南桃園新竹縣鄉鎮區村路號電話低本科專碩士博初教育程度婚姻"
    "已未婚離喪偶健康是否通過拒絕錄取批准貸款金額信用分數等級類型編公司部門漢族民數據香港澳門廣州"
    "表格時間期結果成績語文英歷史理化醫院病患診斷治療住戶農業非家庭父母親子孩老東西前後左右裡外舊長短"
    "開關起來去過還沒法定行使用方發現從經水平明問題進動面樣麼事情想看知道與其三二四五六七八九十百千萬"
    "元重量體社會經濟政府機關合計總計缺失失敗及格優良差其他無"
)  # fmt: skip
_JAPANESE = (
    "のいんはをにたとるがしてでなれすらものあこかりまっさせきよくけうそ性別男女年齢氏名人はえいー日本東京大阪"
    "ンスルトリアイラクシドレジカテロフタマコ都道府県市区町村一二三四五六七八九十百千万円収入職業会社員学校生"
    "高中大小院卒合格不採用否可有無上下前後月時分国番号電話住所既未婚信用金額部課長社医師看護病教育歳地域北海"
    "横浜名古屋神奈川福岡田山川木村井藤佐鈴高橋渡辺伊小林加吉"
)  # fmt: skip
_KOREAN = (
    "이다는의에을가고자성남여별하한지기사로나은인도를시대서리아정수일해자보과어그있으구주상부원전연령이름소득"
    "직업서울부산대구인천광주울산경강충청라북제중국동학생교졸등초합격불예아니오네없음결혼미기혼급여신용점회신청승인거"
    "절김박최조윤장임한오강월년평균높낮음저함무직장건병의료환치료만명개위화외국내용분류형태종류번호주소전화계총"
)  # fmt: skip

ALPHABETS: dict[str, dict[str, Alphabet]] = {
    "western": {
        **{name: Alphabet(letters, latin=True) for name, letters in _WESTERN.items()},
        "several Western languages": Alphabet(
            "éäöüáóíèçñåøàæßêôâãúûëïîòùœõðþýì", latin=True, spread=2.5
        ),
    },
    "central": {
        **{name: Alphabet(letters, latin=True) for name, letters in _CENTRAL.items()},
        "several Central European languages": Alphabet(
            "áéíóöüäčšžłęąřěýőúćńżśůľťăâîşţđňďźűß", latin=True, spread=2.5
        ),
    },
    "turkish": {"Turkish": Alphabet("ıüşöçğİâî", latin=True)},
    "baltic": {
        "Lithuanian": Alphabet("ėšžįųūąčę", latin=True),
        "Latvian": Alphabet("āīēšņļūžģčķ", latin=True),
        "Estonian": Alphabet("äõüöšž", latin=True),
    },
    "cyrillic": {name: Alphabet(letters, latin=False) for name, letters in _CYRILLIC.items()},
    "greek": {
        "Greek": Alphabet("αοιετνσηυρκπμλςάίόήέθδωγχώύβφξζψϊΐϋΰ", latin=False),
    },
    "hebrew": {"Hebrew": Alphabet("יוהלאמרתבשנכדקעחמפסטגזםןצךףץ", latin=False)},
    "arabic": {"Arabic": Alphabet("اليمنوترهبةسدعكفحقأجشذصىخطإزضثئءظغآؤ", latin=False)},
    "thai": {"Thai": Alphabet("านรอกเงมยลวดทสตะปบคหแจพชขใไโผซภธณศษถญฐฎฏฑฌ่้ิีึืุูั์็ำ", latin=False)},
    "simplified": {"Chinese": Alphabet(_HANZI, latin=False)},
    "traditional": {"Chinese": Alphabet(_HANZI_TRADITIONAL, latin=False)},
    "japanese": {"Japanese": Alphabet(_JAPANESE, latin=False)},
    "korean": {"Korean": Alphabet(_KOREAN, latin=False)},
}  # fmt: skip

# Encoding, its alphabets, and how much rarer it is than cp1252 (in natural logarithms).
ENCODINGS: tuple[tuple[str, str, float], ...] = (
    ("cp1252", "western", 0.0),
    ("cp1250", "central", 0.5),
    ("cp1251", "cyrillic", 0.5),
    ("gb18030", "simplified", 0.5),
    ("cp932", "japanese", 1.0),
    ("cp950", "traditional", 1.0),
    ("cp949", "korean", 1.0),
    ("cp1254", "turkish", 0.5),
    ("iso8859_2", "central", 1.0),
    ("iso8859_15", "western", 1.0),
    ("cp1253", "greek", 1.0),
    ("cp1255", "hebrew", 1.5),
    ("cp1256", "arabic", 1.5),
    ("cp1257", "baltic", 1.0),
    ("cp874", "thai", 1.5),
    ("koi8_r", "cyrillic", 2.0),
    ("koi8_u", "cyrillic", 2.5),
    ("cp866", "cyrillic", 2.0),
    ("euc_jp", "japanese", 1.5),
    ("cp850", "western", 2.0),
    ("mac_roman", "western", 2.0),
    ("cp437", "western", 2.5),
    ("cp852", "central", 2.0),
    ("iso8859_7", "greek", 2.0),
    ("iso8859_5", "cyrillic", 2.5),
    ("iso8859_13", "baltic", 2.5),
    ("iso8859_9", "turkish", 2.0),
    ("mac_latin2", "central", 5.0),
    ("mac_cyrillic", "cyrillic", 3.0),
)
