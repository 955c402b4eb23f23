using System.Globalization;
using System.Xml.Linq;
using AsArm.Assd.Randomness;
using AsArm.Cli.Bench;
using AsArm.Inference.DraftMeasurement;
using AsArm.Perf.Samplers;

namespace AsArm.Inference.Tests;

/// <summary>The arithmetic and the drawing of `perf -- samplers`.</summary>
[TestClass]
public sealed class PerfTests
{
    [TestMethod]
    public void LeastSquares_ValuesOfAPlane_FindsItsCoefficients()
    {
        double[][] terms = [[1, 1, 1], [1, 2, 5], [1, 9, 9], [1, 0, 3]];
        double[] fit = LeastSquares.Fit(terms, [.. terms.Select(one => 20 * one[0] + 0.25 * one[1] + 1.5 * one[2])]);
        CollectionAssert.AreEqual(new[] { 20, 0.25, 1.5 }, fit.Select(value => Math.Round(value, 9)).ToArray());
    }

    [TestMethod]
    public void LeastSquares_OneCoefficient_IsTheMean() => Assert.AreEqual(4, LeastSquares.Fit([[1], [1], [1]], [1, 3, 8])[0], 1e-12);

    [TestMethod]
    public void LeastSquares_TermsThatDependOnEachOther_Refuses() =>
        Assert.ThrowsExactly<ArgumentException>(() => LeastSquares.Fit([[1, 1, 1], [1, 2, 2], [1, 5, 5]], [1, 2, 3]));

    [TestMethod]
    public void PairedRatio_OtherThreeTimesAsFastInEveryPair_IsAThirdWithoutError()
    {
        var ratio = PairedRatio.Of([((2, 6), (4, 4)), ((5, 15), (7, 7))]);
        Assert.AreEqual(1 / 3.0, ratio.Value, 1e-12);
        Assert.AreEqual(0, ratio.Error, 1e-12);
    }

    [TestMethod]
    public void PairedRatio_OnePair_HasNoError() => Assert.AreEqual("2.00", PairedRatio.Of([((2, 1), (1, 1))]).ToString());

    /// <summary>Four pairs of normal times; with the normal quantile 86 % of the intervals would hold the ratio.</summary>
    [TestMethod]
    public void PairedRatio_FewPairs_IntervalHoldsTheRatioInNineteenOfTwentyRuns()
    {
        const int Runs = 4000;
        var random = new SplitMix64(1);
        int held = 0;
        for (int run = 0; run < Runs; run++)
        {
            var ratio = PairedRatio.Of([.. Enumerable.Range(0, 4).Select(_ => ((1.0, Time(10)), (1.0, Time(20))))]);
            held += Math.Abs(ratio.Value - 2) <= ratio.Error ? 1 : 0;
        }

        Assert.AreEqual(0.95, held / (double)Runs, 0.015);

        double Time(double mean) => mean * (1 + 0.05 * (Enumerable.Range(0, 12).Sum(_ => random.NextDouble()) - 6));
    }

    [TestMethod]
    public void BarChart_TwoPanels_IsXmlWithABarAndAValueForEachRatioOnWhite()
    {
        XElement svg = XElement.Parse(Chart("a < b & c").ToSvg());
        string[] texts = [.. svg.Descendants().Where(one => one.Name.LocalName == "text").Select(one => one.Value)];
        CollectionAssert.IsSubsetOf(new[] { "a < b & c", "first", "second", "1.25 ± 0.10", "1.00" }, texts);
        XElement[] rectangles = [.. svg.Elements().Where(one => one.Name.LocalName == "rect")];
        Assert.AreEqual("#ffffff", (string?)rectangles[0].Attribute("fill"));
        Assert.HasCount(1 + 2 + 2 * 2 * 2, rectangles, "Background, legend, bars.");
    }

    [TestMethod]
    public void BarChart_Bars_AreAsLongAsTheirRatiosAndWithinTheDrawing()
    {
        XElement svg = XElement.Parse(Chart("title").ToSvg());
        double[] lengths = [.. svg.Elements().Where(one => one.Name.LocalName == "rect").Skip(3).Take(4).Select(one => Number(one, "width"))];
        Assert.AreEqual(lengths[0] / 1.25, lengths[1], 0.01);
        Assert.AreEqual(lengths[0] / 1.25 * 0.5, lengths[2], 0.01);
        double right = svg.Elements().Where(one => one.Name.LocalName == "rect").Skip(1).Max(one => Number(one, "x") + Number(one, "width"));
        Assert.IsLessThan(Number(svg, "width"), right);
    }

    private static BarChart Chart(string title)
    {
        PairedRatio[][] values = [[new(1.25, 0.1), new(1, 0)], [new(0.5, double.NaN), new(1, 0)]];
        return new BarChart
        {
            Title = title,
            MarkCached = "note",
            Groups = ["one", "two"],
            Series = ["first", "second"],
            Panels = [new("left", values), new("right", values)],
        };
    }

    private static double Number(XElement element, string attribute) => double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
