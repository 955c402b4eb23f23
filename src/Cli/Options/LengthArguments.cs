using System.CommandLine;
using AsArm.Inference.Gaps;

namespace AsArm.Cli.Options;

/// <summary>The options that say how lengths of gaps of unknown length are found.</summary>
/// <param name="hasMethods">Whether there is a choice of methods; candidates are compared by evidence.</param>
internal sealed class LengthArguments(bool hasMethods)
{
    private readonly Option<LengthMethod> _method = CommonOptions.Choice(
        "--length-method", "By what the length makes of the text after the gap, or by open gaps, text and length from one distribution, for models that were trained with them", ChoiceNames.LengthMethods);

    private readonly Option<LengthPrior?> _prior = new("--length-prior")
    {
        Description = "What is known of the length of a gap <mask:A-B> before the text after it is looked at: counted in texts (default), all lengths alike, Poisson, or the weights of the lengths from 1",
        HelpName = "learnt|flat|poisson:MEAN|given:W,W,...",
        CustomParser = result =>
        {
            LengthPrior? prior = ChoiceNames.PriorOf(result.Tokens[0].Value);
            if (prior is null)
                result.AddError($"--length-prior must be {ChoiceNames.PriorText}, not '{result.Tokens[0].Value}'.");
            return prior;
        },
    };

    private readonly Option<int?> _fillings =
        CommonOptions.OptionalNumber("--length-fillings", "N", "Fillings of each length over which its evidence is averaged: more take longer and know better (default 1)", Ranges.LengthFillings);

    private readonly Option<int?> _suffix =
        CommonOptions.OptionalNumber("--length-suffix", "N", "Tokens after the gap that are looked at for its length (default 20)", Ranges.LengthSuffix);

    /// <summary>The options of the command line.</summary>
    public IEnumerable<Option> Options => hasMethods ? [_method, _prior, _fillings, _suffix] : [_prior, _fillings, _suffix];

    /// <summary>Those that were given, and defaults for the others.</summary>
    public LengthOptions Of(ParseResult parsed)
    {
        var defaults = new LengthOptions();
        return defaults with
        {
            Method = hasMethods ? parsed.GetValue(_method) : defaults.Method,
            Prior = parsed.GetValue(_prior) ?? defaults.Prior,
            Fillings = parsed.GetValue(_fillings) ?? defaults.Fillings,
            SuffixTokens = parsed.GetValue(_suffix) ?? defaults.SuffixTokens,
        };
    }
}
