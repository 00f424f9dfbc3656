"""A directory of invented branches, for laboratories: the banks exist, the places do not.

The same list each time: 30 classes in 14 towns that are on no map, with codes that no area has,
and with right check digits. Imports python-stdnum.
"""

from stdnum.iso7064 import mod_11_10

CLASSES = {  # code: name of a branch, up to its street; {} is the town's
    "102": "中国工商银行{}",
    "103": "中国农业银行{}",
    "104": "中国银行{}",
    "105": "中国建设银行{}",
    "201": "国家开发银行{}",
    "202": "中国进出口银行{}",
    "203": "中国农业发展银行{}",
    "301": "交通银行{}",
    "302": "中信银行{}",
    "303": "中国光大银行{}",
    "304": "华夏银行{}",
    "305": "中国民生银行{}",
    "306": "广发银行{}",
    "307": "平安银行{}",
    "308": "招商银行{}",
    "309": "兴业银行{}",
    "310": "上海浦东发展银行{}",
    "313": "{}银行",
    "314": "{}农村商业银行",
    "315": "恒丰银行{}",
    "316": "浙商银行{}",
    "317": "{}农村合作银行",
    "318": "渤海银行{}",
    "319": "徽商银行{}",
    "320": "{}村镇银行",
    "402": "{}农村信用合作联社",
    "403": "中国邮政储蓄银行{}",
    "501": "汇丰银行（中国）{}",
    "502": "东亚银行（中国）{}",
    "671": "渣打银行（中国）{}",
}
_TOWNS = (
    *("样州", "例城", "试川", "仿阳", "虚谷", "拟海", "假山"),
    *("空港", "幻湖", "无锋", "乌有", "子虚", "画津", "梦泽"),
)
_STREETS = (
    *("长乐路", "行知路", "重阳街", "会计街", "石榴巷", "单车道", "都市广场", "朝霞路"),
    *("月台街", "钢笔路", "算盘街", "铜钱巷", "稻香路", "风筝街", "竹简路", "茶馆街"),
    *("A座", "灯塔路", "木马街", "纸船路", "棋盘街", "彩虹路", "云梯街", "星星广场"),
)
_BRANCHES = 5  # of a class in a town
_FIRST_AREA = 9801


def banks():
    """Yield (CNAPS number, name, area) of each branch, by number."""
    street = 0
    for code, bank in CLASSES.items():
        for area, town in enumerate(_TOWNS, _FIRST_AREA):
            for branch in range(1, _BRANCHES + 1):
                stem = f"{code}{area}{branch:04d}"
                name = f"{bank.format(town)}{_STREETS[street % len(_STREETS)]}支行"
                yield stem + mod_11_10.calc_check_digit(stem), name, str(area)
                street += 1
