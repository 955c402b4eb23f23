using System.Globalization;
using System.Xml.Linq;
using AsArm.Cli.Bench;

namespace AsArm.Perf.Samplers;

/// <summary>Grouped horizontal bars of ratios with their intervals, in panels side by side, as SVG.</summary>
internal sealed class BarChart
{
    private const double LabelWidth = 115, PanelWidth = 390, PanelGap = 40, Right = 20; // pixels, as are all
    private const double Head = 96, Bar = 14, GroupGap = 16, Foot = 62;
    private const double Room = 85; // of the values beside the bars

    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";
    private static readonly string[] s_colours = ["#0072b2", "#e69f00", "#009e73", "#8c8c8c", "#cc79a7"]; // told apart by the colour-blind too

    public required string Title { get; init; }

    public required string MarkCached { get; init; }

    /// <summary>[groups]</summary>
    public required string[] Groups { get; init; }

    /// <summary>[series], at most five</summary>
    public required string[] Series { get; init; }

    public required Panel[] Panels { get; init; }

    private double Width => LabelWidth + Panels.Length * (PanelWidth + PanelGap) - PanelGap + Right;

    private double Bottom => Head + Groups.Length * GroupHeight;

    private double GroupHeight => Series.Length * Bar + GroupGap;

    /// <summary>The drawing, black on white whatever is around it.</summary>
    public string ToSvg() => new XElement(
        s_svg + "svg",
        new XAttribute("viewBox", FormattableString.Invariant($"0 0 {Width} {Bottom + Foot}")),
        Attributes(("width", Width), ("height", Bottom + Foot)),
        new XAttribute("font-family", "Helvetica, Arial, sans-serif"),
        new XAttribute("role", "img"),
        new XElement(s_svg + "title", Title),
        Rectangle(0, 0, Width, Bottom + Foot, "#ffffff"),
        Text(20, 30, Title, 17, "start", bold: true),
        Legend(),
        Groups.Select((group, i) => Text(LabelWidth - 10, TopOf(i) + Series.Length * Bar / 2 + 4, group, 13, "end")),
        Panels.Select((panel, i) => Draw(panel, LabelWidth + i * (PanelWidth + PanelGap))),
        Text(20, Bottom + Foot - 14, MarkCached, 12, "start")).ToString();

    private IEnumerable<XElement> Legend()
    {
        for (int i = 0; i < Series.Length; i++)
        {
            double x = LabelWidth + 110 * i;
            yield return Rectangle(x, 44, 12, 12, s_colours[i]);
            yield return Text(x + 18, 54, Series[i], 13, "start");
        }
    }

    private IEnumerable<XElement> Draw(Panel panel, double left)
    {
        double most = panel.Values.SelectMany(group => group).Max(ratio => ratio.Value + Spread(ratio));
        double step = most > 5 ? 1 : most > 2.5 ? 0.5 : 0.25;
        double perUnit = (PanelWidth - Room) / most;
        yield return Text(left, Head - 14, panel.Title, 14, "start", bold: true);
        for (double tick = 0; tick <= most; tick += step)
        {
            double x = left + tick * perUnit;
            yield return Line(x, Head - 4, x, Bottom, tick == 1 ? "#000000" : "#dddddd", 1);
            yield return Text(x, Bottom + 16, tick.ToString("0.##", CultureInfo.InvariantCulture), 12, "middle");
        }

        for (int group = 0; group < Groups.Length; group++)
        {
            for (int i = 0; i < Series.Length; i++)
            {
                PairedRatio ratio = panel.Values[group][i];
                double top = TopOf(group) + i * Bar;
                foreach (XElement element in DrawBar(ratio, left, perUnit, top, s_colours[i]))
                    yield return element;
                yield return Text(left + PanelWidth, top + Bar / 2 + 3, ratio.ToString(), 11, "end");
            }
        }
    }

    private static IEnumerable<XElement> DrawBar(PairedRatio ratio, double left, double perUnit, double top, string colour)
    {
        double spread = Spread(ratio), middle = top + Bar / 2 - 1, end = left + ratio.Value * perUnit;
        yield return Rectangle(left, top, ratio.Value * perUnit, Bar - 2, colour);
        if (spread < 1e-9)
            yield break;
        double low = end - spread * perUnit, high = end + spread * perUnit;
        yield return Line(low, middle, high, middle, "#000000", 1.2);
        yield return Line(low, middle - 3, low, middle + 3, "#000000", 1.2);
        yield return Line(high, middle - 3, high, middle + 3, "#000000", 1.2);
    }

    private double TopOf(int group) => Head + group * GroupHeight + GroupGap / 2;

    private static double Spread(PairedRatio ratio) => double.IsNaN(ratio.Error) ? 0 : ratio.Error;

    private static XElement Text(double x, double y, string text, double size, string anchor, bool bold = false) => new(
        s_svg + "text",
        Attributes(("x", x), ("y", y), ("font-size", size)),
        new XAttribute("text-anchor", anchor),
        new XAttribute("fill", "#000000"),
        bold ? new XAttribute("font-weight", "bold") : null,
        text);

    private static XElement Rectangle(double x, double y, double width, double height, string colour) =>
        new(s_svg + "rect", Attributes(("x", x), ("y", y), ("width", width), ("height", height)), new XAttribute("fill", colour));

    private static XElement Line(double x1, double y1, double x2, double y2, string colour, double width) => new(
        s_svg + "line",
        Attributes(("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2), ("stroke-width", width)),
        new XAttribute("stroke", colour));

    private static IEnumerable<XAttribute> Attributes(params (string Name, double Value)[] values) =>
        values.Select(value => new XAttribute(value.Name, value.Value.ToString("0.##", CultureInfo.InvariantCulture)));

    /// <summary>One axis.</summary>
    /// <param name="Title">What it shows.</param>
    /// <param name="Values">[groups][series]</param>
    internal sealed record Panel(string Title, PairedRatio[][] Values);
}
