"""How often short samples in many languages are read in their own encoding.

    python benchmarks/encodings.py

compares this package with charset-normalizer.
"""

from __future__ import annotations

from charset_normalizer import from_bytes

from fairaudit.data.reading.encodings import guess_encoding
from fairaudit.exceptions import InputError

SAMPLES: dict[str, tuple[str, str]] = {
    "pl": ("płeć;y\nkobieta;1\nmężczyzna;0\n", "cp1250 iso8859_2 cp852 mac_latin2"),
    "pl2": ("miasto;y\nŁódź;1\nKraków;0\nGdańsk;1\n", "cp1250 iso8859_2 cp852"),
    "pl3": ("y;m\n1;mężczyzna\n", "cp1250 iso8859_2"),
    "cs": ("pohlaví,y\nmuž,1\nžena,0\n", "cp1250 iso8859_2 cp852"),
    "cs2": ("věk,kraj\n12,Jihočeský\n13,Plzeňský\n", "cp1250 iso8859_2"),
    "cs3": ("věk,x\n1,2\n", "cp1250"),
    "hu": ("nem;y\nnő;1\nférfi;0\n", "cp1250 iso8859_2"),
    "ro": ("sex;y\nbărbat;1\nfemeie;0\n", "cp1250 iso8859_2"),
    "sk": ("pohlavie;y\nmuž;1\nžena;0\nneuvedené;0\nvýchod;1\n", "cp1250 iso8859_2"),
    "hr": ("ime,grad\nŽeljko,Čakovec\nĐurđa,Šibenik\nAnte,Split\n", "cp1250 iso8859_2 cp852"),
    "tr": ("cinsiyet;y\nkadın;1\nerkek;0\n", "cp1254"),
    "tr2": ("şehir;y\nİstanbul;1\nİzmir;0\nMuğla;1\n", "cp1254"),
    "de": ("geschlecht;y\nmännlich;1\nweiblich;0\n", "cp1252 mac_roman cp850 cp437 iso8859_15"),
    "de2": (
        "straße;größe\nKöln;1\nMünchen;0\nÄrzte;1\n",
        "cp1252 mac_roman cp850 cp437 iso8859_15",
    ),
    "fr": (
        "prénom;ville\nZoé;Orléans\nHélène;Besançon\nFrançois;Nîmes\n",
        "cp1252 mac_roman cp850 cp437 iso8859_15",
    ),
    "fr2": ("sexe;diplômé\nfemme;1\n", "cp1252 mac_roman cp850"),
    "fr3": ("sexe;éducation\nfemme;bac\nhomme;fête\n", "cp1252 mac_roman cp850"),
    "eu15": ("prix;ville\n12 €;Orléans\n13 €;Cœur\n", "cp1252 iso8859_15"),
    "es": ("año;región\n1;España\n2;México\n", "cp1252 mac_roman cp850 cp437"),
    "pt": ("região;educação\nSão Paulo;sim\nnão;não\n", "cp1252 mac_roman cp850"),
    "sv": (
        "kommun,län\nÖsteråker,Stockholm\nGävle,Gävleborg\nMalmö,Skåne\n",
        "cp1252 mac_roman cp850 cp437 iso8859_15",
    ),
    "da": ("køn;y\nmand;1\nÅrhus;0\n", "cp1252 mac_roman cp850"),
    "it": ("città;y\nForlì;1\nperché;0\n", "cp1252 mac_roman"),
    "is": ("nafn,bær\nÞórdís,Reykjavík\nGuðrún,Akureyri\nÆgir,Höfn\n", "cp1252"),
    "ru": ("пол;y\nмужской;1\nженский;0\n", "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic"),
    "ru2": (
        "имя,город\nАнна,Москва\nИван,Санкт-Петербург\n",
        "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic",
    ),
    "ru3": ("sex,y\nМ,1\nЖ,0\n", "cp1251 koi8_r cp866"),
    "uk": ("стать;y\nчоловік;1\nжінка;0\n", "cp1251 koi8_u"),
    "bg": ("пол;y\nмъж;1\nжена;0\n", "cp1251"),
    "el": ("φύλο;y\nάνδρας;1\nγυναίκα;0\n", "cp1253 iso8859_7"),
    "he": ("מין;y\nזכר;1\nנקבה;0\n", "cp1255"),
    "ar": ("الجنس;y\nذكر;1\nأنثى;0\n", "cp1256"),
    "th": ("เพศ;y\nชาย;1\nหญิง;0\n", "cp874"),
    "lt": ("lytis;y\nvyras;1\nmoteris;0\nKėdainiai;1\nŠiauliai;0\n", "cp1257"),
    "lv": ("dzimums;y\nvīrietis;1\nsieviete;0\n", "cp1257"),
    "zh": ("性别,年龄\n男,1\n女,0\n", "gb18030 gb2312"),
    "zh1": ("sex,y\n男,1\n女,0\n", "gb18030"),
    "zh2": ("城市,收入\n北京,1\n上海,2\n广州,3\n", "gb18030"),
    "zht": ("性別,年齡\n男,1\n女,0\n", "cp950"),
    "zht1": ("sex,y\n男,1\n女,0\n", "cp950"),
    "zht2": ("城市,收入\n臺北,1\n高雄,2\n", "cp950"),
    "ja": ("性別,年齢\n男性,1\n女性,0\n", "cp932 euc_jp iso2022_jp"),
    "ja2": ("名前,合否\nやまだ,はい\nスズキ,いいえ\n", "cp932 euc_jp"),
    "ko": ("성별,나이\n남,1\n여,0\n", "cp949"),
    "ko2": ("sex,y\n남자,1\n여자,0\n", "cp949"),
    "ko3": ("이름,지역\n김철수,서울\n이영희,부산\n", "cp949"),
    "mix": ("name,city\nJosé,Málaga\nZoë,Köln\nBjørn,Århus\n", "cp1252 mac_roman"),
    "sl": ("spol;izobrazba\nmoški;višja\nženska;srednja šola\n", "cp1250 iso8859_2"),
    "fi": (
        "sukupuoli;koulutus\nmies;ylempi\nnainen;peruskoulu\nÄänekoski;lyhyt\nHämeenlinna;pitkä\n",
        "cp1252 mac_roman cp850",
    ),
    "sr": ("име,град\nЈован,Београд\nМилица,Ниш\nЂорђе,Чачак\n", "cp1251"),
    "bg2": ("име,град\nИван,София\nМария,Пловдив\nГеорги,Бургас\n", "cp1251 cp866"),
    "ru_up": ("ПОЛ,ГОРОД\nМУЖ,МОСКВА\nЖЕН,КАЗАНЬ\n", "cp1251 koi8_r cp866 iso8859_5"),
    "de_up": ("GESCHLECHT;STADT\nM;KÖLN\nW;MÜNCHEN\n", "cp1252 cp850 mac_roman"),
    "fr_up": ("SEXE;ETAT\nHOMME;MARIÉ\nFEMME;DIVORCÉE\n", "cp1252 cp850 mac_roman"),
    "nl": ("geslacht;land\nman;België\nvrouw;Curaçao\nman;Italië\n", "cp1252 mac_roman cp850"),
    "ca": ("sexe;població\nhome;València\ndona;Castelló\ndona;Lleida\n", "cp1252 mac_roman"),
    "it2": ("sesso;città\nM;Forlì\nF;Cantù\nF;Roma\n", "cp1252 mac_roman cp850"),
    "es2": (
        "nombre,edad,país\nMaría,30,Perú\nJosé,40,Panamá\nIñigo,22,España\n",
        "cp1252 mac_roman cp850 cp437",
    ),
    "pt2": (
        "nome,cidade\nJoão,Brasília\nConceição,Maranhão\nInês,Évora\n",
        "cp1252 mac_roman cp850",
    ),
    "ro2": (
        "nume,oraş\nIon,Brăila\nMaria,Bucureşti\nGheorghe,Iaşi\nŞtefan,Timişoara\nAnca,Mureş\n",
        "cp1250 iso8859_2",
    ),
    "hu2": (
        "név,város\nKovács,Győr\nSzabó,Pécs\nTóth,Székesfehérvár\nNagy,Hódmezővásárhely\n",
        "cp1250 iso8859_2 cp852",
    ),
    "cs4": (
        "jméno;město\nJiří;Brno\nŽaneta;Ústí nad Labem\nPavel;České Budějovice\n",
        "cp1250 iso8859_2 cp852",
    ),
    "sk2": (
        "meno;mesto\nĽubomír;Žilina\nJán;Košice\nZuzana;Banská Štiavnica\n",
        "cp1250 iso8859_2",
    ),
    "pl4": (
        "imię;miasto;płeć\nMałgorzata;Łódź;K\nPaweł;Wrocław;M\nZbigniew;Częstochowa;M\n",
        "cp1250 iso8859_2 cp852 mac_latin2",
    ),
    "pl5": ("zawód\npielęgniarka\nlekarz\n", "cp1250"),
    "tr3": (
        "ad,şehir\nAyşe,Eskişehir\nMehmet,Diyarbakır\nÇiğdem,İzmir\nOğuz,Ankara\n",
        "cp1254 iso8859_9",
    ),
    "el2": ("όνομα,πόλη\nΓιώργος,Αθήνα\nΜαρία,Θεσσαλονίκη\n", "cp1253 iso8859_7"),
    "he2": ("שם,עיר\nדוד,ירושלים\nשרה,תל אביב\n", "cp1255"),
    "ar2": ("الاسم,المدينة\nمحمد,القاهرة\nفاطمة,الرياض\n", "cp1256"),
    "lt2": ("vardas,miestas\nJonas,Šiauliai\nRūta,Panevėžys\nĄžuolas,Klaipėda\n", "cp1257"),
    "lv2": ("vārds,pilsēta\nJānis,Rīga\nĒrika,Liepāja\n", "cp1257"),
    "et": ("nimi,linn\nTõnu,Võru\nKärt,Pärnu\nÜlle,Jõhvi\n", "cp1252 cp1257"),
    "zh3": ("姓名,职业\n张伟,工程师\n王芳,教师\n李娜,护士\n", "gb18030"),
    "zh4": ("name,gender\nWang,男\nLi,女\nZhao,男\n", "gb18030 cp950"),
    "zh5": ("approved,region\n是,华东\n否,西南\n是,华北\n", "gb18030"),
    "zht3": ("姓名,職業\n陳大文,工程師\n林美玲,教師\n", "cp950"),
    "zht4": ("核准,地區\n是,臺中\n否,花蓮\n", "cp950"),
    "ja3": ("氏名,職業\n田中太郎,会社員\n鈴木花子,看護師\n", "cp932 euc_jp"),
    "ja4": ("採用,部署\nはい,営業部\nいいえ,開発部\n", "cp932 euc_jp"),
    "ja5": ("sex\n男\n女\n", "cp932 euc_jp"),
    "ko4": ("이름,직업\n박민수,교사\n최지영,간호사\n", "cp949"),
    "ko5": ("승인,학력\n예,대졸\n아니오,고졸\n", "cp949"),
    "uk2": ("ім'я,місто\nОлена,Київ\nЮрій,Львів\nЄвген,Чернігів\n", "cp1251 koi8_u"),
    "sym": ("item,price\ncafé,£3\ntea,€2\n", "cp1252 iso8859_15"),
    "quote": ("id,comment\n1,“good” – she’s fine\n2,naïve\n", "cp1252 mac_roman"),
    "deg": ("city,temp\nParis,12°C\nRome,20°C\n", "cp1252 mac_roman cp850"),
}


def _ours(content: bytes) -> str | None:
    try:
        return content.decode(guess_encoding(content, "sample").encoding)
    except InputError:
        return None


def main() -> None:
    """Print the number of samples that each of the two reads as they were written."""
    pairs = [(text, text.encode(e)) for text, names in SAMPLES.values() for e in names.split()]
    ours = sum(_ours(content) == text for text, content in pairs)
    theirs = sum(str(from_bytes(content).best()) == text for text, content in pairs)
    print(f"{len(pairs)} samples: fairaudit {ours}, charset-normalizer {theirs}")


if __name__ == "__main__":
    main()
