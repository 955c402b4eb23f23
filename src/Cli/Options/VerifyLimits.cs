using System.CommandLine;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Verification;

namespace AsArm.Cli.Options;

/// <summary>The limits that asarm verify checks a graph against: those of its precision, unless options override them.</summary>
internal sealed class VerifyLimits
{
    private readonly Option<double?> _tolerance = Create("--tolerance", "Largest difference of a logit that passes (default: 1e-4 for float32, none for rounded precisions)");
    private readonly Option<double?> _mean = Create("--mean-kl", "Largest KL divergence from the recorded distributions in nats, the mean over them (default: of a rounded precision)");
    private readonly Option<double?> _worst = Create("--worst-kl", "The same of the worst distribution");
    private readonly Option<double?> _variation = Create("--worst-variation", "Largest total variation distance of a distribution");
    private readonly Option<double?> _relative = Create("--relative-kl", "Largest mean divergence as a share of that between the recorded distributions and the uniform one");

    /// <summary>The options of the command line.</summary>
    public IEnumerable<Option> Options => [_tolerance, _mean, _worst, _variation, _relative];

    /// <summary>The limits of a model.</summary>
    public Values Of(ModelManifest manifest, ParseResult parsed)
    {
        DivergenceLimits? defaults = manifest.DivergenceLimits;
        return new(
            Or(_tolerance, manifest.Tolerance), Or(_mean, defaults?.MeanDivergence), Or(_worst, defaults?.WorstDivergence),
            Or(_variation, defaults?.WorstVariation), Or(_relative, defaults?.RelativeDivergence));

        double Or(Option<double?> option, double? otherwise) => parsed.GetValue(option) ?? otherwise ?? double.PositiveInfinity;
    }

    private static Option<double?> Create(string name, string description) =>
        CommonOptions.OptionalNumber<double>(name, "X", description, value => value >= 0 && double.IsFinite(value), "a number of at least 0");

    /// <summary>Limits; infinite where there is no limit.</summary>
    internal sealed record Values(double Tolerance, double MeanDivergence, double WorstDivergence, double WorstVariation, double RelativeDivergence)
    {
        /// <summary>Describes the first limit that is exceeded; null if none is. Values that are not finite exceed every limit, also an absent one.</summary>
        public string? Exceeded(double worstLogit, DistributionDifference difference)
        {
            (double Value, double Limit, string What)[] all =
            [
                (worstLogit, Tolerance, "is off by {0}, over the tolerance of {1}"),
                (difference.MeanDivergence, MeanDivergence, "has a mean KL divergence of {0}, over the limit of {1}"),
                (difference.WorstDivergence, WorstDivergence, "has a distribution with a KL divergence of {0}, over the limit of {1}"),
                (difference.WorstVariation, WorstVariation, "has a distribution with a total variation of {0}, over the limit of {1}"),
                (difference.RelativeDivergence, RelativeDivergence, "has a relative KL divergence of {0}, over the limit of {1}"),
            ];
            if (!double.IsFinite(worstLogit) || !double.IsFinite(difference.WorstDivergence))
                return "has logits that are not finite numbers, over any tolerance";
            foreach ((double value, double limit, string what) in all)
            {
                if (value > limit)
                    return string.Format(System.Globalization.CultureInfo.InvariantCulture, what, $"{value:0.0e-0}", $"{limit:0.0e-0}");
            }

            return null;
        }
    }
}
