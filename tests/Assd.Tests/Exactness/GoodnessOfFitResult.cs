namespace AsArm.Assd.Tests.Exactness;

/// <summary>How well counts fit a distribution.</summary>
/// <param name="PValue">Of Pearson's chi-square test.</param>
/// <param name="TotalVariation">Half the sum of absolute differences.</param>
/// <param name="PerfectTotalVariation">What a perfect sampler shows on average with as many samples.</param>
internal readonly record struct GoodnessOfFitResult(double PValue, double TotalVariation, double PerfectTotalVariation)
{
    public bool Passes => PValue > 1e-4 && TotalVariation <= 0.02;
}
