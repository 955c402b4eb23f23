using System.Runtime.ExceptionServices;
using AsArm.Assd.Distributions;

namespace AsArm.Inference.Infilling;

/// <summary>Copies of options with their collections, taken when a request is submitted: later changes of the collections have no effect on it.</summary>
internal static class OptionsCopy
{
    /// <summary>Copies options.</summary>
    /// <exception cref="Exception">What the caller's collections throw.</exception>
    public static T Of<T>(T options)
        where T : SamplingOptions => (T)((SamplingOptions)options with
        {
            BannedTokens = options.BannedTokens?.ToArray()!, // null is refused later, with the name of the option
            LogitBias = options.LogitBias is null ? null! : new Dictionary<int, double>(options.LogitBias),
            BannedTokensAt = options.BannedTokensAt is null ? null! : new Dictionary<int, TokenSet>(options.BannedTokensAt),
        });

    /// <summary>The distribution that log-probabilities are of: in greedy decoding that of temperature 1.</summary>
    public static T AsScored<T>(T options)
        where T : SamplingOptions => options.IsGreedy ? (T)((SamplingOptions)options with { Temperature = 1, TopK = null, TopP = null }) : options;

    /// <summary>Copies options now; what the caller's collections throw is thrown by the function that returns the copy.</summary>
    public static Func<T> Now<T>(T options)
        where T : SamplingOptions
    {
        try
        {
            T copy = Of(options);
            return () => copy;
        }
#pragma warning disable CA1031 // Thrown where errors of the request are.
        catch (Exception error)
#pragma warning restore CA1031
        {
            var captured = ExceptionDispatchInfo.Capture(error);
            return () =>
            {
                captured.Throw();
                return options;
            };
        }
    }
}
