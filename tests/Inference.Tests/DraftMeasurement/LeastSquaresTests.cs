using AsArm.Inference.DraftMeasurement;

namespace AsArm.Inference.Tests.DraftMeasurement;

/// <summary>The fit of forward-pass costs.</summary>
[TestClass]
public sealed class LeastSquaresTests
{
    [TestMethod]
    public void Fit_ValuesOfAPlane_FindsItsCoefficients()
    {
        double[][] terms = [[1, 1, 1], [1, 2, 5], [1, 9, 9], [1, 0, 3]];
        double[] fit = LeastSquares.Fit(terms, [.. terms.Select(one => 20 * one[0] + 0.25 * one[1] + 1.5 * one[2])]);
        CollectionAssert.AreEqual(new[] { 20, 0.25, 1.5 }, fit.Select(value => Math.Round(value, 9)).ToArray());
    }

    [TestMethod]
    public void Fit_OneCoefficient_IsTheMean() => Assert.AreEqual(4, LeastSquares.Fit([[1], [1], [1]], [1, 3, 8])[0], 1e-12);

    [TestMethod]
    public void Fit_TermsThatDependOnEachOther_Refuses() =>
        Assert.ThrowsExactly<ArgumentException>(() => LeastSquares.Fit([[1, 1, 1], [1, 2, 2], [1, 5, 5]], [1, 2, 3]));
}
